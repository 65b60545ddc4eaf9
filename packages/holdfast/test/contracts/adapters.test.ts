import { adapterContract } from '../../src/testing/adapter-contract.ts'
import { STARTERS } from './apps/index.ts'

for (const [name, start] of STARTERS) adapterContract(name, start)
