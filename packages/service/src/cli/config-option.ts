import type { Option } from 'holdfast/cli'

/** Where commands about a configuration find it. */
export const CONFIG_OPTION: Readonly<Record<string, Option>> = {
  config: {
    type: 'string',
    value: 'FILE',
    about: 'Configuration file (HOLDFAST_CONFIG; holdfast.yaml if there is one)',
  },
}
