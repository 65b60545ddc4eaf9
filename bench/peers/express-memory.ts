import session from 'express-session'
import { contend } from '../contender-process.ts'
import { expressSession } from './express-session.ts'
import { EXPRESS_MEMORY } from './names.ts'

await contend(() => expressSession(EXPRESS_MEMORY, new session.MemoryStore()))
