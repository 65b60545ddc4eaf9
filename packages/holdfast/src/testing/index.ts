export { type FakeHost, fakeHost } from './fake-host.ts'
