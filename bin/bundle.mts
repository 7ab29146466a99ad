/**
 * Makes what bin/lading.js starts: dist/lading.cjs, the compiled command line and the libraries that it uses as
 * one script, in which a module still runs only when it is first asked for; what V8 made of it, in
 * dist/lading.code and dist/containers.code; and dist/thread.cjs and dist/supervisor.cjs, which its threads and the
 * supervisors of containers run: they start in half the time that modules take.
 *
 * Some modules must know where they lie: a job is known by the URL of its module. So `import.meta.url` in the
 * bundles is what it is in dist/src, and no module has to know of them.
 *
 * V8 keeps the code of functions that have run. So the commands that people wait for run once, on a small archive.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { convert } from '../src/verbs/convert.js'

const folder = join(import.meta.dirname, '..')
const bundle = join(folder, 'lading.cjs')
const require = createRequire(import.meta.url)

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
  name: 'import.meta.url as in dist/src, but for what has a bundle of its own',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/dist\/src\/.*\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8')
        .replaceAll("'./thread.js', import.meta.url", "urlOf('thread.cjs')")
        .replaceAll("'./supervisor.js', import.meta.url", "urlOf('supervisor.cjs')")
        .replaceAll('import.meta.url', `urlOf(${JSON.stringify(relative(folder, path))})`),
    }))
  },
}

/** Those modules of Node that take a millisecond or more to load are loaded when something of them is first used. */
const lazyBuiltins: Plugin = {
  name: "Node's modules when they are used",
  setup: ({ onResolve, onLoad }) => {
    onResolve(
      { filter: /^node:(child_process|crypto|fs\/promises|net|worker_threads|zlib)$/ },
      ({ path, namespace }) =>
        namespace === 'lazy' ? { external: true, path } : { path, namespace: 'lazy' },
    )
    onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: `let found
for (const name of ${JSON.stringify(Object.keys(require(path)))})
  Object.defineProperty(exports, name, { enumerable: true, get: () => (found ??= require('${path}'))[name] })`,
    }))
  },
}

const common: BuildOptions = {
  ...{ bundle: true, minify: true, platform: 'node', format: 'cjs', target: 'node20.19' },
  // Code that was kept has nobody to ask for import(); require takes modules of either kind since 20.19.
  supported: { 'dynamic-import': false },
  // They are machine code, or WebAssembly in a file of its own.
  external: ['koffi', 'zlib-sync', '@bokuweb/zstd-wasm'],
  plugins: [keepUrls, lazyBuiltins],
}

const makeBundle = () =>
  build({
    ...common,
    ...{ entryPoints: [join(folder, 'src/cli/main.js')], outfile: bundle },
    ...{ banner: { js: head }, footer: { js: foot } },
  })

/** Where a bundle that is run from its file lies. */
const urlOf = "const urlOf = path => require('node:url').pathToFileURL(__dirname + '/' + path).href"

/** Modules with a job, by what their URL is below this folder's. */
const jobs = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.js'))
  .filter(name => /^export const job\b/m.test(readFileSync(join(folder, 'src', name), 'utf8')))
  .map(name => `src/${name}`)

const makeThread = () =>
  build({
    ...common,
    stdin: {
      resolveDir: folder,
      contents: `import { serveJobs } from './src/bytes/serve-jobs.js'
const jobs = { ${jobs.map(name => `[urlOf('${name}')]: () => import('./${name}')`).join(', ')} }
serveJobs(url => jobs[url]())`,
    },
    outfile: join(folder, 'thread.cjs'),
    banner: { js: urlOf },
  })

const makeSupervisor = () =>
  build({
    ...common,
    entryPoints: [join(folder, 'src/runtime/container/supervisor.js')],
    outfile: join(folder, 'supervisor.cjs'),
    banner: { js: urlOf },
  })

/** Keep the code of what `commands` run, in a file of their own: reading what other commands run takes time, too. */
const keepCode = async (file: string, commands: readonly (readonly string[])[]) => {
  // Without a memory of what was compiled of it before.
  setFlagsFromString('--no-compilation-cache')
  // The code bears the name: no path of this machine.
  const script = new Script(readFileSync(bundle, 'utf8'), { filename: 'lading.cjs' })
  setFlagsFromString('--compilation-cache')
  const start: Start = script.runInThisContext()
  const { main } = start(createRequire(bundle), folder)
  for (const words of commands) await main(words)
  writeFileSync(file, script.createCachedData())
}

const keepCodes = async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'lading-build-'))
  const { exit, exitCode } = process
  const { stdout, stderr } = process
  const writes = [stdout.write, stderr.write] as const
  try {
    const archive = join(temporary, 'a.tar')
    mkdirSync(join(temporary, 'tree/etc'), { recursive: true })
    writeFileSync(join(temporary, 'tree/etc/hostname'), 'a\n')
    const store = join(temporary, 'store')
    await convert({
      source: `dir:${temporary}/tree`,
      destination: `docker-archive:${archive}`,
      storeDirectory: store,
    })
    stdout.write = stderr.write = ((_: unknown, done?: () => void) => done?.() ?? true) as typeof stdout.write
    process.exit = (() => {}) as typeof process.exit
    const looks = [['inspect'], ['history'], ['ls'], ['ls', '-lR']].map(words => [...words, archive])
    await keepCode(join(folder, 'lading.code'), [['--version'], ...looks])
    // There is no such program: where containers can be made, all but that is done. The first run makes what others find.
    await convert({ source: archive, destination: 'store:a:1', storeDirectory: store })
    const run = ['--store', store, 'run', '--rm', '--network', 'none', 'a:1', '/none']
    await keepCode(join(temporary, 'first.code'), [run])
    await keepCode(join(folder, 'containers.code'), [run])
  } finally {
    ;[stdout.write, stderr.write] = writes
    process.exit = exit
    process.exitCode = exitCode
    rmSync(temporary, { recursive: true })
  }
}

await Promise.all([makeBundle(), makeThread(), makeSupervisor()])
if (/[^\0-\x7f]/.test(readFileSync(bundle, 'utf8')))
  throw new Error(`${bundle} is to be ASCII: write what is not as an escape in regular expressions`)
await keepCodes()
