// Compiles wasm/deflate.ts into src/bytes/deflate-wasm.ts. The same compiler always gives the same bytes.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'wasm-'))
const module = join(folder, 'deflate.wasm')
execFileSync(
  'npx',
  [
    ...['--yes', '--package', 'assemblyscript@0.28.20', 'asc', 'wasm/deflate.ts', '--outFile', module],
    ...['-O3', '--runtime', 'stub', '--noAssert', '--memoryBase', '4096'],
    ...['--initialMemory', '64', '--maximumMemory', '64'],
  ],
  { stdio: 'inherit' },
)
const lines = readFileSync(module)
  .toString('base64')
  .replace(/.{1,100}/g, "  '$&',\n")
writeFileSync(
  'src/bytes/deflate-wasm.ts',
  `// Made by \`npm run wasm\` from wasm/deflate.ts: not to be edited.\n\n/** A WebAssembly module, in base64. */\nexport const deflateWasm = [\n${lines}].join('')\n`,
)
rmSync(folder, { recursive: true })
