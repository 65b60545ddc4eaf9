export {
  ADAPTER_HELPERS,
  type AdapterHarness,
  type AdapterHelper,
  adapterContract,
  CACHEABLE,
  type StartAdapter,
  type StartedAdapter,
} from '../testing/adapter-contract.ts'
export { engineHarness } from '../testing/adapter-harness.ts'
export { type FakeHost, fakeHost } from '../testing/fake-host.ts'
export { type StoreContext, storeContract } from '../testing/store-contract.ts'
