import type { SessionId } from '../../core/ids.ts'

/** One field of a form, as it was posted. */
export type FormField = readonly [name: string, value: string]

/** A form that was posted and not accepted yet. */
export interface HeldForm {
  /** Path and query that it was posted to. */
  readonly action: string
  /** In the order of the form, with its form token: whoever sends it again is checked again. */
  readonly fields: readonly FormField[]
}

/** Who posts a form, or takes it back. `cookies`: the `Cookie` header. */
export interface FormSender {
  readonly session: SessionId
  readonly cookies: string | undefined
  /**
   * The browser keeps no `Secure` cookie here: Safari, over plain HTTP, on the machine of whoever
   * develops. The guard alone says so.
   */
  readonly plain?: boolean
}

/** Where forms wait while their sender proves a factor: `heldForms()` of `holdfast/step-up`. */
export interface HeldForms {
  /**
   * Undefined for a form that is too large to hold. `setCookie` binds the form to the browser that
   * posted it.
   */
  hold(
    form: HeldForm,
    from: FormSender,
  ): Promise<{ readonly id: string; readonly setCookie: string } | undefined>
  /** Gives the form, once, to the same browser and session; undefined to everybody else. */
  take(id: string, from: FormSender): Promise<HeldForm | undefined>
}
