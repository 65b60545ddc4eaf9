import { generateKeyPair } from 'jose'
import { contend } from '../contender-process.ts'
import { joseRows } from './jose.ts'
import { JOSE_EDDSA } from './names.ts'

await contend(async () => {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA')
  return joseRows(JOSE_EDDSA, { alg: 'EdDSA', sign: privateKey, verify: publicKey })
})
