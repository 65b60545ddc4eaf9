import {
  Body,
  Controller,
  Get,
  HttpCode,
  Module,
  Post,
  Req,
  Res,
  UnauthorizedException,
} from '@nestjs/common'
import { createSessions, newKeyring, type SessionView } from 'holdfast'
import { memoryStore } from 'holdfast/memory'
import {
  Holdfast,
  HoldfastModule,
  type NestRequest,
  type NestResponse,
  RequireSession,
  Session,
} from 'holdfast/nest'
import { proverOf, textOf, userOf } from './users.js'

// For development: in this process alone, with new keys at every start. In production,
// `lmdbStore()` or `redisStore()`, and `parseKeyring()` of a file that `holdfast keys new` made.
const sessions = createSessions({ store: memoryStore(), keyring: newKeyring() })

@Controller()
class ShopController {
  constructor(private readonly hf: Holdfast) {}

  @Post('login')
  @HttpCode(200)
  async login(
    @Req() request: NestRequest,
    @Res({ passthrough: true }) response: NestResponse,
    @Body() body: unknown,
  ) {
    const user = userOf(body)
    if (user === undefined) throw new UnauthorizedException()
    const login = { subject: user, amr: ['pwd'], factors: ['otp'] }
    const done = await this.hf.login(request, response, login)
    if (!done.ok) return this.hf.refuse(response, done)
    return { user }
  }

  @Get('account')
  @RequireSession()
  account(@Session() session: SessionView) {
    return { user: session.subject }
  }

  // From a place that this user has not confirmed, the answer is 401 `step_up_required`.
  @Post('orders')
  @RequireSession({ sensitivity: 'sensitive' })
  order(@Session() session: SessionView) {
    return { buyer: session.subject }
  }

  @Post('step-up/begin')
  @HttpCode(200)
  async begin(@Req() request: NestRequest, @Res({ passthrough: true }) response: NestResponse) {
    const begun = await this.hf.beginStepUp(request, { sensitivity: 'sensitive' })
    if (!begun.ok) return this.hf.refuse(response, begun)
    return { challenge: begun.challenge, factors: begun.factors }
  }

  @Post('step-up/complete')
  @HttpCode(200)
  async complete(
    @Req() request: NestRequest,
    @Res({ passthrough: true }) response: NestResponse,
    @Body() body: unknown,
  ) {
    const challenge = textOf(body, 'challenge')
    const subject = proverOf(body)
    if (subject === undefined) {
      const noted = await this.hf.stepUpFailed(request, challenge)
      if (!noted.ok) return this.hf.refuse(response, noted)
      throw new UnauthorizedException()
    }
    const proof = { challenge, subject, amr: ['otp'] }
    const done = await this.hf.completeStepUp(request, response, proof)
    if (!done.ok) return this.hf.refuse(response, done)
    return { user: subject }
  }

  @Post('logout')
  @HttpCode(204)
  async logout(
    @Req() request: NestRequest,
    @Res({ passthrough: true }) response: NestResponse,
  ): Promise<void> {
    const done = await this.hf.logout(request, response)
    if (!done.ok) this.hf.refuse(response, done)
  }
}

// The reverse proxy on this machine says who the client is.
const address = { trust: { proxies: ['127.0.0.0/8', '::1/128'] } }

@Module({
  imports: [HoldfastModule.forRoot({ sessions, address })],
  controllers: [ShopController],
})
export class AppModule {}
