/**
 * Makes what bin/lading.js starts: dist/lading.cjs, the compiled command line and the libraries that it uses as
 * one script, in which a module still runs only when it is first asked for; and dist/lading.code, what V8 made
 * of it.
 *
 * Some modules must know where they lie: a thread is started by the URL of a module beside the one that starts
 * it, and runs in dist/src, outside the bundle. So `import.meta.url` in the bundle is what it is there, and no
 * module has to know of the bundle.
 *
 * V8 keeps the code of functions that have run. So the commands that people wait for run once, on a small archive.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Script } from 'node:vm'
import { build, type Plugin } from 'esbuild'
import { convert } from '../src/verbs/convert.js'

const folder = join(import.meta.dirname, '..')
const bundle = join(folder, 'lading.cjs')

/** What the bundle yields once it is given `require` and the folder that it lies in. */
type Start = (
  require: NodeJS.Require,
  folder: string,
) => { readonly main: (words: readonly string[]) => Promise<void> }

const head = `(function (require, folder) {
const module = {}
const urlOf = path => require('node:url').pathToFileURL(folder + '/' + path).href`
const foot = `return module.exports
})`

const keepUrls: Plugin = {
  name: 'import.meta.url as in dist/src',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/dist\/src\/.*\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        `urlOf(${JSON.stringify(relative(folder, path))})`,
      ),
    }))
  },
}

/** commander has it for commands that are programs of their own. Here none is, and loading it takes 4 ms. */
const spareChildProcess: Plugin = {
  name: 'commander without child_process',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes('/commander/') ? { path, namespace: 'spared' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'spared' }, () => ({ contents: 'module.exports = {}' }))
  },
}

const makeBundle = () =>
  build({
    entryPoints: [join(folder, 'src/cli/main.js')],
    outfile: bundle,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    // Code that was kept has nobody to ask for import(); require takes modules of either kind since 20.19.
    supported: { 'dynamic-import': false },
    // They are machine code, or WebAssembly in a file of its own.
    external: ['koffi', 'zlib-sync', '@bokuweb/zstd-wasm'],
    plugins: [keepUrls, spareChildProcess],
    banner: { js: head },
    footer: { js: foot },
  })

const keepCode = async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'lading-build-'))
  const { write } = process.stdout
  try {
    const archive = join(temporary, 'a.tar')
    mkdirSync(join(temporary, 'tree/etc'), { recursive: true })
    writeFileSync(join(temporary, 'tree/etc/hostname'), 'a\n')
    await convert({
      source: `dir:${temporary}/tree`,
      destination: `docker-archive:${archive}`,
      storeDirectory: temporary,
    })
    // The code bears the name: no path of this machine.
    const script = new Script(readFileSync(bundle, 'utf8'), { filename: 'lading.cjs' })
    const start: Start = script.runInThisContext()
    const { main } = start(createRequire(bundle), folder)
    process.stdout.write = () => true
    await main(['--version'])
    for (const words of [['inspect'], ['history'], ['ls'], ['ls', '-lR']]) await main([...words, archive])
    writeFileSync(join(folder, 'lading.code'), script.createCachedData())
  } finally {
    process.stdout.write = write
    rmSync(temporary, { recursive: true })
  }
}

await makeBundle()
await keepCode()
