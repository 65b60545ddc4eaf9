import { z } from 'zod'
import type { SettingFacts } from './setting.ts'
import { auditing } from './settings/auditing.ts'
import { carrying } from './settings/carrying.ts'
import { judging } from './settings/judging.ts'
import { keeping } from './settings/keeping.ts'
import { listening } from './settings/listening.ts'
import { running } from './settings/running.ts'

/**
 * The one schema of the service's configuration: keys of `holdfast.yaml`, and as `HOLDFAST_*`
 * variables.
 */
export const schema = z.strictObject({
  ...listening,
  ...keeping,
  ...judging,
  ...carrying,
  ...running,
  ...auditing,
})

/** The configuration of the service, checked, with defaults; durations in milliseconds. */
export type Config = z.output<typeof schema>

export type SettingName = keyof Config

/** Every setting in the order of the reference. */
export const SETTINGS = Object.keys(schema.shape).filter(isSetting)

/** The setting of this name; undefined when there is none. */
export function settingOf(name: string | undefined): SettingName | undefined {
  return SETTINGS.find((setting) => setting === name)
}

/** What a setting says of itself. */
export function factsOf(name: SettingName): SettingFacts {
  const { about, example, reading, secret } = facts.parse(schema.shape[name].meta())
  return { about, example, reading, ...(secret === undefined ? {} : { secret }) }
}

/** A right value as it is written in the file, or in the environment. */
export function exampleOf(name: SettingName, where: 'file' | 'environment'): string {
  const { example, reading } = factsOf(name)
  if (where === 'environment') return `${variableOf(name)}=${example}`
  if (reading === 'list') return `${name}: [${example.split(',').join(', ')}]`
  if (reading === 'keys') return `${name}: [{ name: shop, roles: [app, gate], digest: sha256:... }]`
  return `${name}: ${example}`
}

/** `idleTimeout` is `HOLDFAST_IDLE_TIMEOUT`. */
export function variableOf(name: SettingName): string {
  return `HOLDFAST_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

const facts = z.looseObject({
  about: z.string(),
  example: z.string(),
  reading: z.enum(['text', 'number', 'list', 'keys', 'yaml']),
  secret: z.boolean().optional(),
})

function isSetting(name: string): name is SettingName {
  return name in schema.shape
}
