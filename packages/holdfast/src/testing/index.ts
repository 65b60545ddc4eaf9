export { describeDevice } from '../core/device.ts'
export { totalOf } from '../core/evidence.ts'
export { NO_HISTORY } from '../core/history.ts'
export { isPartial } from '../core/request-kinds.ts'
export type { Scales } from '../engine/context.ts'
export { explain, type WeighOptions } from '../engine/judging/weigh.ts'
export type { Application, TrustedProxy } from './application.ts'
export { DEVICES, type Device } from './devices.ts'
export type { LoggedInOptions, Place, VisitorOptions } from './options.ts'
export {
  type BrowserContext,
  type BrowserCookie,
  loggedIn,
  type Person,
  type RequestKind,
  type Sent,
  type Visitor,
  visitor,
} from './person.ts'
export { type TestClock, testClock } from './test-clock.ts'
