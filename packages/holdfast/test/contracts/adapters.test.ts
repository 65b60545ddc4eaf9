import { adapterContract } from '../../src/contracts/adapters/adapter-contract.ts'
import { STARTERS } from './apps/index.ts'

for (const [name, start] of STARTERS) adapterContract(name, start)
