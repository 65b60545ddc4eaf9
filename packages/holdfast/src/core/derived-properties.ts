const SOURCE = Symbol('source')

/**
 * Gives objects properties that are worked out where they are read, from a source that the object
 * is given. They are own and enumerable: copies, JSON and structured clones have their values. All
 * objects share the getters, because getters of its own cost an object ten times as much.
 */
export function derivedProperties<Source, Derived extends object>(
  derive: {
    readonly [Name in keyof Derived]: (source: Source) => Derived[Name]
  },
): <Base extends object>(base: Base, source: Source) => Base & Readonly<Derived> {
  const descriptors = Object.keys(derive).map((name) => {
    const work = derive[name as keyof Derived]
    const get = function (this: { readonly [SOURCE]: Source }): unknown {
      return work(this[SOURCE])
    }
    return [name, { get, enumerable: true, configurable: true }] as const
  })

  return (base, source) => {
    Object.defineProperty(base, SOURCE, { value: source })
    for (const [name, descriptor] of descriptors) Object.defineProperty(base, name, descriptor)
    return base as typeof base & Derived
  }
}
