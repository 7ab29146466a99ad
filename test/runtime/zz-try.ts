import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import { containerSteps } from '../../src/runtime/launcher/container-steps.js'
import { explain } from '../../src/runtime/launcher/explain.js'
import { launch } from '../../src/runtime/launcher/launch.js'
import { preparedOf, settingsOf } from './container-fixture.js'

const base = '/tmp/rti-try'
rmSync(base, { recursive: true, force: true })
for (const f of ['tree/bin', 'tree/etc', 'tree/tmp', 'mnt', 'launch'])
  mkdirSync(`${base}/${f}`, { recursive: true })
cpSync('/bin/busybox', `${base}/tree/bin/busybox`)
for (const n of [
  'sh',
  'ls',
  'cat',
  'grep',
  'id',
  'mount',
  'hostname',
  'ps',
  'mknod',
  'dd',
  'ip',
  'head',
  'wc',
  'true',
])
  symlinkSync('busybox', `${base}/tree/bin/${n}`)
const groups = hostControlGroups()
const group = await groups.make('rti-try', { resources: {}, anyDevice: false })
const settings = settingsOf({
  process: {
    args: [
      'sh',
      '-c',
      process.argv[2] ??
        'id; hostname; ps; grep -E "Cap|Sec|NoNew" /proc/self/status; mount; cat /proc/self/cgroup; exit 42',
    ],
  },
})
const prepared = preparedOf({ tree: `${base}/tree`, mountPoint: `${base}/mnt` }, { cgroup: group.entry })
const program = containerSteps(settings, prepared)
if (process.env.EXPLAIN) console.log(explain(program))
const t = performance.now()
const l = await launch(program, { stdio: ['ignore', 'inherit', 'inherit'], folder: `${base}/launch` })
for await (const r of l.reports) console.log('report', r)
console.log('failure', await l.failure, l.child.exitCode, performance.now() - t, program.length)
await group.remove()
rmSync(base, { recursive: true, force: true })
