/** The Python that has the modules of the tests; undefined when there is none. */
export function python(): Promise<string | undefined>
