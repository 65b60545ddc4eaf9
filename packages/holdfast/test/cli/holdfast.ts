import { main } from '../../src/cli/index.ts'

/** What a command line printed, and how it ended. */
export interface Done {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs one command line of the library, its words separated by blanks. */
export async function holdfast(args: string): Promise<Done> {
  let out = ''
  let err = ''
  const words = args.split(' ').filter((arg) => arg !== '')
  const code = await main(words, {
    env: {},
    stdout: (text) => {
      out += text
    },
    stderr: (text) => {
      err += text
    },
  })
  return { code, out, err }
}
