import { root } from '../../clients/programs.ts'

/** The environment of Go, with the sources of Debian. */
export function goSetting(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GOCACHE: `${root}.cache/go`,
    GO111MODULE: 'off',
    GOFLAGS: '',
    GOPATH: `${root}.cache/go-path:/usr/share/gocode`,
  }
}
