export {
  ADAPTER_HELPERS,
  type AdapterHarness,
  type AdapterHelper,
  adapterContract,
  CACHEABLE,
  type StartAdapter,
  type StartedAdapter,
} from './adapters/adapter-contract.ts'
export { engineHarness } from './adapters/adapter-harness.ts'
export { type FakeHost, fakeHost } from './fake-host.ts'
export { type StoreContext, storeContract } from './stores/store-contract.ts'
