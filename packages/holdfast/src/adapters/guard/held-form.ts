import type { SessionId } from '../../core/ids.ts'

/** One field of a form, as it was posted. */
export type FormField = readonly [name: string, value: string]

/** A form that was posted and not accepted yet. */
export interface HeldForm {
  /** Path and query that it was posted to. */
  readonly action: string
  /** In the order of the form, its form token included: whoever sends it again is checked again. */
  readonly fields: readonly FormField[]
}

/** Where forms wait while their sender proves a factor: `heldForms()` of `holdfast/step-up`. */
export interface HeldForms {
  /** Undefined for what is too large to hold. `setCookie`: binds the form to the browser that posted it. */
  hold(
    form: HeldForm,
    from: { readonly session: SessionId; readonly cookies: string | undefined },
  ): Promise<{ readonly id: string; readonly setCookie: string } | undefined>
  /** The form, once, for the same browser and session; undefined for everybody else. `cookies`: the `Cookie` header. */
  take(
    id: string,
    from: { readonly session: SessionId; readonly cookies: string | undefined },
  ): Promise<HeldForm | undefined>
}
