/** The part of a page that may hold a form. */
export interface HeldFormPage {
  querySelector(selector: string): { readonly ownerDocument: unknown } | null
}

/**
 * Sends the form that a step-up interrupted (`heldFormMarkup` of `holdfast/step-up`), if this page holds one. Not for a
 * page that the person came back to: it would be sent twice.
 */
export function continueForm(
  page: HeldFormPage = (globalThis as unknown as { readonly document: HeldFormPage }).document,
): void {
  const form = page.querySelector('form[data-holdfast-held]')
  const [visit] = performance.getEntriesByType('navigation')
  if (form === null || (visit as { type?: string } | undefined)?.type === 'back_forward') return
  // A field may be called "submit", and would stand in its way.
  const { prototype } = (
    globalThis as unknown as {
      readonly HTMLFormElement: { readonly prototype: { submit(): void } }
    }
  ).HTMLFormElement
  prototype.submit.call(form)
}
