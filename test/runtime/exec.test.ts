import { join } from 'node:path'
import tty from 'node:tty'
import test from 'ava'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import { type ExecPlace, execSteps } from '../../src/runtime/launcher/exec-steps.js'
import type { Launched } from '../../src/runtime/launcher/launch.js'
import { openTerminal, setTerminalSize } from '../../src/runtime/launcher/terminal.js'
import { preparedOf, settingsOf } from './container-fixture.js'
import {
  type ContainerRun,
  type Ground,
  makeGround,
  missingForContainers,
  runContainer,
  runProgram,
  runShell,
} from './run-container.js'

const when = missingForContainers === undefined ? test : test.skip
const why = missingForContainers === undefined ? '' : ` [skipped: ${missingForContainers}]`

const onGround = (
  title: string,
  body: (t: import('ava').ExecutionContext, ground: Ground) => Promise<void>,
) =>
  when(`${title}${why}`, async t => {
    const ground = makeGround()
    try {
      await body(t, ground)
    } finally {
      ground.remove()
    }
  })

const placeOf = (ground: Ground, pid: number, changes: Partial<ExecPlace> = {}): ExecPlace => {
  const { machine, user, limits, capabilities } = preparedOf({ tree: ground.tree, mountPoint: '/' })
  return {
    ...{ machine, user, limits, capabilities, pid, detached: false },
    cgroup: { version: 'none' },
    ...changes,
  }
}

const execShell = (ground: Ground, place: ExecPlace, script: string, process: object = {}) =>
  runProgram(
    execSteps(settingsOf({ process: { args: ['sh', '-c', script], ...process } }).process, place),
    ground,
  )

onGround(
  'execSteps: a process joins the namespaces and the groups, as restricted as the first',
  async (t, ground) => {
    const group = await hostControlGroups().make(`test-exec-${process.pid}`, {
      ...{ resources: { pids: 30 }, anyDevice: false },
    })
    const runs: ContainerRun[] = []
    const container = await runShell(
      ground,
      'touch /started; while [ ! -e /stop ]; do sleep 0.02; done; exit 3',
      {},
      { cgroup: group.entry },
      {
        started: async report => {
          const place = placeOf(ground, report, { cgroup: group.entry })
          const wait = 'while [ ! -e /started ]; do sleep 0.02; done'
          runs.push(
            await execShell(
              ground,
              place,
              `${wait}; hostname; pwd; ls /proc/self/fd; grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status; exit 9`,
              { cwd: '/tmp' },
            ),
          )
          runs.push(
            await execShell(ground, place, 'grep pids /proc/self/cgroup; echo 1 > /proc/sys/kernel/x'),
          )
          runs.push(
            await execShell(ground, { ...place, user: { ...place.user, uid: 1000, gid: 5 } }, 'id -u; id -g'),
          )
          runs.push(await execShell(ground, place, 'pwd', { cwd: '/proc/self/fd/5' }))
          runs.push(await execShell(ground, place, '', { args: ['nope'] }))
          await execShell(ground, place, 'touch /stop')
        },
      },
    )
    await group.remove()
    t.is(container.status, 3)
    const [first, second, user, outside, missing] = runs
    t.is(first!.failure, undefined)
    t.is(first!.status, 9)
    t.regex(first!.stdout, /^isolated\n\/tmp\n0\n1\n2\n3\nCapInh:\s*0+\nCapPrm:\s*00000000a80425fb\n/)
    t.regex(first!.stdout, /NoNewPrivs:\s*1\nSeccomp:\s*2\n$/)
    t.regex(second!.stdout, /:\/\n$/)
    t.not(second!.status, 0)
    t.is(user!.stdout, '1000\n5\n')
    t.is(outside!.status, 125)
    t.is(missing!.status, 127)
  },
)

/** Feed a terminal and collect what it shows, until the program ends. */
const converse = (ground: Ground, lines: readonly string[]) => {
  let shown = ''
  let pid: number | undefined
  const started = (report: number, launched: Launched) => {
    pid = report
    launched.order(Uint8Array.of(1))
  }
  const during = (report: number, launched: Launched) => {
    if (shown === '' && pid !== undefined) {
      const folder = join(ground.folder, 'launch')
      const terminal = openTerminal({ pid, devpts: report }, { rows: 33, columns: 101 }, folder)
      const stream = new tty.ReadStream(terminal.descriptor)
      shown = '\n'
      stream.on('data', data => {
        shown += data
        // The next line when the shell asks for it (busybox also asks where the cursor is).
        if (['# ', '# \u001b[6n'].some(end => shown.endsWith(end)) && lines[line] !== undefined) {
          if (line === 1) setTerminalSize(terminal.descriptor, { rows: 50, columns: 120 }, folder)
          stream.write(lines[line++]!)
        }
      })
      stream.on('error', () => stream.destroy())
      launched.order(terminal.order)
    }
  }
  let line = 0
  return { started, during, shown: () => shown }
}

onGround(
  'containerSteps: a terminal of its own, its size, job control and /dev/console',
  async (t, ground) => {
    const lines = ['tty; stty size; ls -l /dev/console\n', 'stty size; sleep 9 & jobs; kill %1; exit 9\n']
    const { started, during, shown } = converse(ground, lines)
    const run = await runContainer(
      ground,
      { process: { args: ['busybox', 'sh'], terminal: true, env: ['PATH=/bin', 'PS1=# '] } },
      {},
      { started, during },
    )
    t.is(run.failure, undefined)
    t.is(run.status, 9)
    t.regex(shown(), /\/dev\/pts\/0/)
    t.regex(shown(), /crw.*\/dev\/console/)
    t.regex(shown(), /33 101[\s\S]*50 120/)
    t.notRegex(shown(), /can't access tty|job control turned off/)
  },
)
