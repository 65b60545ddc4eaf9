import { memoryStore } from '../../src/stores/memory.ts'
import { storeContract } from '../../src/testing/store-contract.ts'

storeContract('memory', ({ now, feedLimit }) => memoryStore({ now, feedLimit }))
