import { memoryStore } from 'holdfast/memory'
import { contend } from '../contender-process.ts'
import { forgeries, verifications } from './estate.ts'

await contend(async () => [
  ...(await forgeries(memoryStore())),
  ...(await verifications('memory', (_, now) => memoryStore({ now }))),
])
