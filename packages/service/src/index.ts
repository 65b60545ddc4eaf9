export { isSameSchema, type PublishedSchema, publishedSchemas } from './api/schemas.ts'
export {
  meanwhileOf,
  type Notice,
  type NoticeKind,
  noticeOf,
} from './audit/alerts/notices/notice.ts'
export {
  type NoticeHandlerOptions,
  type NoticeRefusal,
  noticeHandler,
} from './audit/alerts/notices/notice-handler.ts'
export {
  type LinkedNotice,
  type LinkPair,
  type NoticeAnswer,
  type NoticeLink,
  type NoticeLinks,
  type NoticeLinksOptions,
  noticeLinks,
  type ReadLink,
} from './audit/alerts/notices/notice-links.ts'
export {
  type NoticeMail,
  type NoticeMailOptions,
  noticeMail,
} from './audit/alerts/notices/notice-mail.ts'
export type { NoticeMessage } from './audit/alerts/notices/notice-target.ts'
export { eventReference } from './audit/event-reference.ts'
export { privacyReference } from './audit/privacy.ts'
export { checkConfig, loadConfig, type Sources } from './config/load.ts'
export type { Problem } from './config/problem.ts'
export { configReference } from './config/reference.ts'
export type { Config } from './config/schema.ts'
export { metricsReference } from './main/metrics.ts'
export { type Service, type ServiceOptions, startService } from './main/service.ts'
