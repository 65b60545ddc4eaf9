/** Where the parts behind the audit log say what is wrong. A logger of pino is one. */
export interface ProblemLog {
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
