export { describeDevice } from '../core/device.ts'
export { totalOf } from '../core/evidence.ts'
export { NO_HISTORY } from '../core/history.ts'
export { isPartial } from '../core/request-kinds.ts'
export type { Scales } from '../engine/context.ts'
export { explain, type WeighOptions } from '../engine/judging/weigh.ts'
export {
  type AdapterHarness,
  adapterContract,
  CACHEABLE,
  type StartAdapter,
  type StartedAdapter,
} from './adapter-contract.ts'
export { engineHarness } from './adapter-harness.ts'
export { type FakeHost, fakeHost } from './fake-host.ts'
export { type StoreContext, storeContract } from './store-contract.ts'
