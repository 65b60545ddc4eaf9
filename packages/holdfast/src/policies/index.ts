export { CHANGES_PER_USER_MONTH, type Costs, thresholdsFor } from './costs.ts'
export { balanced, lenient, PRESETS, type Preset, strict } from './presets.ts'
export { redecide } from './redecide.ts'
export { type Thresholds, thresholdPolicy } from './threshold.ts'
