export { thresholdsFor } from './costs.ts'
export { balanced, lenient, PRESETS, strict } from './presets.ts'
export { redecide } from './redecide.ts'
export { type Thresholds, thresholdPolicy } from './threshold.ts'
