/** What became of one project. */
export interface ProjectResult {
  readonly name: string
  readonly seconds: Readonly<Record<string, number>>
  readonly failure?: string
  /** What npm said where no registry could be reached. */
  readonly unreachable?: string
}

export function projectNames(): string[]
export function packedProjects(
  names?: readonly string[],
  options?: { readonly say?: (result: ProjectResult) => void },
): Promise<ProjectResult[]>
export function lineOf(result: ProjectResult): string
