const swc = ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } }]

// The `require` of Jest knows CommonJS alone: Holdfast is compiled as the sources are.
module.exports = {
  transform: { '^.+\\.[jt]s$': swc },
  transformIgnorePatterns: ['node_modules/(?!holdfast/)'],
}
