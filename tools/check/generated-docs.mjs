import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { errorCodes, pages } from '../docs.mjs'
import { root } from '../run.mjs'
import { filesBelow, textOf } from './sources.mjs'

/** The pages and schemas that are written from the source say what the source says now. */
export async function generatedDocs() {
  const findings = []
  for (const [page, write] of Object.entries(await pages())) {
    try {
      const wanted = await write()
      const found = existsSync(join(root, page)) ? textOf(page) : ''
      if (found !== wanted) findings.push(`${page} is out of date: run "node tools/docs.mjs"`)
    } catch (error) {
      findings.push(`${page}: ${error.message}`)
    }
  }
  return findings
}

/** Every code of the table can happen: some source besides the table names it. */
export function errorCodesUsed() {
  const sources = [
    ...filesBelow('packages/holdfast/src', /\.ts$/),
    ...filesBelow('packages/service/src', /\.ts$/),
  ].filter((path) => path !== 'packages/holdfast/src/core/errors.ts')
  const code = sources.map(textOf).join('\n')
  return errorCodes()
    .filter((row) => !new RegExp(`['"\`]${row.code}['"\`]`).test(code))
    .map((row) => `${row.code} is in core/errors.ts and nothing answers it`)
}
