import {
  Body,
  Controller,
  Get,
  Header,
  Inject,
  Module,
  Post,
  Query,
  Redirect,
  Req,
  Res,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import type { Request, Response } from 'express'
import { createSessions, newKeyring, type SessionView } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import { Holdfast, HoldfastModule, ownPath, RequireSession, Session } from 'holdfast/nest'
import { fieldOf } from './form.ts'
import { homePage, loginPage } from './pages.ts'
import { HOST, runAsProgram, type Started } from './program.ts'
import { checkLogin } from './users.ts'

/** Where a handler sends the browser. */
interface Target {
  readonly url: string
  readonly statusCode: 303
}

@Controller()
class NotesController {
  readonly #hf: Holdfast
  readonly #notes = new Map<string, string>()

  constructor(@Inject(Holdfast) holdfast: Holdfast) {
    this.#hf = holdfast
  }

  @Get('login')
  showLogin(): string {
    return loginPage()
  }

  @Post('login')
  async login(
    @Req() request: Request,
    @Res() response: Response,
    @Body() form: unknown,
    @Query('return') back: unknown,
  ): Promise<void> {
    const { right, user } = checkLogin(form)
    if (!right) {
      // Failed tries are part of what speaks for or against a later session of this user.
      if (user !== undefined) await this.#hf.loginFailed(request, { subject: user })
      response.status(401).send(loginPage('Name or password is wrong.'))
      return
    }
    const done = await this.#hf.login(request, response, { subject: user, amr: ['pwd'] })
    if (!done.ok) return this.#hf.refuse(response, done)
    response.redirect(303, ownPath(back))
  }

  // A browser without a session is sent to the login page, a program gets 401.
  @Get()
  @RequireSession()
  home(@Session() { subject: user, formToken }: SessionView): string {
    return homePage({ user, note: this.#notes.get(user) ?? '', formToken })
  }

  // Changes the secret before it answers, and asks more of the place that the request comes from.
  @Get('api-key')
  @RequireSession({ sensitivity: 'sensitive' })
  @Header('content-type', 'text/plain; charset=utf-8')
  apiKey(@Session() { subject }: SessionView): string {
    return `The API key of ${subject}\n`
  }

  // A form without the form token of this session is refused before the handler sees it.
  @Post('note')
  @RequireSession()
  @Redirect()
  note(@Session() { subject }: SessionView, @Body() form: unknown): Target {
    this.#notes.set(subject, fieldOf(form, 'note'))
    return { url: '/', statusCode: 303 }
  }

  // No guard: a session that may do nothing else may still end.
  @Post('logout')
  @Redirect()
  async logout(
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Target> {
    const done = await this.#hf.logout(request, response)
    if (!done.ok) return this.#hf.refuse(response, done)
    return { url: '/login', statusCode: 303 }
  }
}

/** Nest 12, on Express. */
export async function start(port: number): Promise<Started> {
  // For development: in this process alone, with new keys at every start. In production,
  // `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
  const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })

  // Behind a proxy, trust it in `address`. Whoever has to prove a factor is sent to a `stepUpPage`;
  // without one, the answer is 401 (examples/shop/src/gateway/step-up.ts has such a page).
  @Module({
    imports: [HoldfastModule.forRoot({ sessions, loginPage: '/login' })],
    controllers: [NotesController],
  })
  class AppModule {}

  const app = await NestFactory.create<NestExpressApplication>(AppModule, {
    bodyParser: false,
    forceCloseConnections: true,
    logger: ['error', 'warn'],
  })
  // The guards look for the form token in the parsed body.
  app.useBodyParser('urlencoded', { extended: false, limit: '8kb' })
  await app.listen(port, HOST)
  return { url: await app.getUrl(), close: () => app.close() }
}

await runAsProgram(import.meta.url, start)
