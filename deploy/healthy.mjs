// The health check of the image, which has no shell: exit code 0 when the process answers /livez.
const listen = process.env.HOLDFAST_MANAGEMENT_LISTEN ?? '127.0.0.1:4601'
const port = listen.slice(listen.lastIndexOf(':') + 1)
const url = `http://127.0.0.1:${port}/livez`
const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined)
process.exitCode = answer?.status === 200 ? 0 : 1
