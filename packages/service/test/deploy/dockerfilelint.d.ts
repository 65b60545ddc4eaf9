declare module 'dockerfilelint' {
  export function run(
    folder: string,
    content: string,
  ): readonly { readonly title: string; readonly line: number; readonly rule: string }[]
}
