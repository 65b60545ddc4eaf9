import { main } from '../../src/cli/main.ts'

export interface Done {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs one command line, its words separated by blanks. */
export async function holdfast(args: string, env: Record<string, string> = {}): Promise<Done> {
  let out = ''
  let err = ''
  const code = await main(
    args.split(' ').filter((arg) => arg !== ''),
    {
      env,
      stdout: (text) => {
        out += text
      },
      stderr: (text) => {
        err += text
      },
    },
  )
  return { code, out, err }
}
