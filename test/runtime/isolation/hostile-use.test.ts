/** What a container has done to its files before lading works on it again: exec, cp, logs, ps. */
import { spawnSync } from 'node:child_process'
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { archiveOf, busyboxEntries, defaultConfig, imageOf, noBusybox } from '../../helpers/busybox-image.js'
import { makeTestUser, noOrdinaryUser } from '../../helpers/ordinary-user.js'
import { isRoot, lading, ladingProgram, type Outcome, run } from '../../helpers/programs.js'

const missing =
  process.platform !== 'linux' ? 'not on Linux' : isRoot ? noBusybox : 'its containers need root'
const when = (missing: string | undefined) => (missing === undefined ? test.serial : test.serial.skip)
const why = (missing: string | undefined) => (missing === undefined ? '' : ` [skipped: ${missing}]`)

const secret = 'not for containers'
let folder: string
let victim: string
const own = (...args: readonly string[]): Outcome => lading(['--store', join(folder, 'store'), ...args])
const done = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = own(...args)
  if (status !== 0) throw new Error(`lading ${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout
}
const start = (name: string, script: string, ...flags: readonly string[]) => {
  const end = 'touch /ready; while :; do sleep 1; done'
  done(
    ...['run', '-d', '--name', name, '--network', 'none', ...flags, 'app:1', 'sh', '-c', `${script}; ${end}`],
  )
  done('exec', name, 'sh', '-c', 'while [ ! -e /ready ]; do sleep 0.01; done')
}
const unharmed = () => ({
  names: readdirSync(victim),
  text: readFileSync(join(victim, 'secret'), 'utf8'),
  mode: lstatSync(victim).mode & 0o7777,
})
const noHarm = { names: ['secret'], text: secret, mode: 0o755 }

test.before(async () => {
  if (missing) return
  folder = mkdtempSync(join(tmpdir(), 'lading-hostile-'))
  victim = join(folder, 'victim')
  mkdirSync(victim, { mode: 0o755 })
  writeFileSync(join(victim, 'secret'), secret)
  const image = await imageOf([busyboxEntries()])
  const told = await imageOf([busyboxEntries()], {
    ...defaultConfig,
    ...{ Cmd: ['sh', '-c', 'sleep 99', nasty], Env: [`X=${nasty}`], Labels: { [nasty]: nasty } },
  })
  writeFileSync(join(folder, 'app.tar'), await archiveOf({ 'app:1': image, 'told:1': told }))
  done('load', '-i', join(folder, 'app.tar'))
})

test.after.always(() => {
  if (!folder) return
  const ids = own('ps', '-aq').stdout.split('\n').filter(Boolean)
  if (ids.length > 0) own('rm', '-fv', ...ids)
  rmSync(folder, { recursive: true, force: true })
})

for (const [is, make] of [
  ['a link out of the container', () => `ln -s ${victim}/secret /etc/passwd`],
  ['a door in /proc', () => `ln -s /proc/1/root/../../..${victim}/secret /etc/passwd`],
  ['a FIFO', () => 'mkfifo /etc/passwd'],
  ['a device', () => 'mknod /etc/passwd c 1 5'],
  ['a folder', () => 'mkdir /etc/passwd'],
] as const)
  when(missing)(`exec: /etc/passwd that became ${is} is not opened (CVE-2024-9676)${why(missing)}`, t => {
    const name = is.replaceAll(/[^a-z]+/g, '-')
    start(name, `rm /etc/passwd; ${make()}`)
    const { status, stdout, stderr } = own('exec', '-u', 'app', name, 'id')
    t.deepEqual([status, stdout], [126, ''])
    t.regex(stderr, /Unable to find user app: no matching entries in passwd file/)
  })

when(missing)(
  `exec: a working directory that is a descriptor or leads out is refused (CVE-2024-21626)${why(missing)}`,
  t => {
    start('doors', `ln -s ${victim} /out; ln -s /proc/1/cwd/../../..${victim} /door`)
    const paths = ['/proc/self/cwd', '/proc/1/root', '/proc/self/task/1/cwd', '/out', '/door']
    const descriptors = Array.from({ length: 10 }, (_, number) => `/proc/self/fd/${number}`)
    for (const path of [...paths, ...descriptors]) {
      const { status, stdout, stderr } = own('exec', '-w', path, 'doors', 'sh', '-c', 'pwd; cat secret')
      t.deepEqual([status, stdout], [126, ''], path)
      t.regex(stderr, /open the working directory/, path)
    }
  },
)

when(missing)(
  `run and exec: a descriptor that lading was given does not reach the program (CVE-2024-21626)${why(missing)}`,
  t => {
    start('given', 'true')
    const leaked = openSync(victim, 'r')
    try {
      const list = ['sh', '-c', 'ls /proc/self/fd; cat /proc/self/fd/*/secret']
      for (const args of [
        ['run', '--rm', '--network', 'none', 'app:1', ...list],
        ['run', '--rm', '--network', 'none', '--init', 'app:1', ...list],
        ['exec', 'given', ...list],
      ]) {
        const { stdout } = spawnSync(
          process.execPath,
          [ladingProgram, '--store', join(folder, 'store'), ...args],
          { stdio: ['ignore', 'pipe', 'pipe', leaked, leaked, leaked, leaked], encoding: 'utf8' },
        )
        // 3 is the folder that ls reads.
        t.is(stdout, '0\n1\n2\n3\n', args.join(' '))
      }
    } finally {
      closeSync(leaked)
    }
  },
)

when(missing)(
  `run and exec: lading's own program is not run by /proc/self/exe, nor as an interpreter (CVE-2019-5736)${why(missing)}`,
  t => {
    const script = "#!/proc/self/exe\\n' > /again; chmod 755 /again; printf '"
    start('again', `printf '${script}'`)
    for (const program of ['/proc/self/exe', '/again']) {
      const { status, stderr } = own('exec', 'again', program)
      t.is(status, 126, stderr)
    }
    const { status } = own('run', '--rm', '--network', 'none', 'app:1', '/proc/self/exe')
    t.is(status, 126)
    // As process 1 it stays: it can be neither run nor written.
    const init = own(
      ...['run', '--rm', '--network', 'none', '--init', 'app:1', 'sh', '-c'],
      'stat -c %a /proc/1/exe -L; /proc/1/exe; echo $?; echo x > /proc/1/exe || echo no',
    )
    t.is(init.stdout, '0\n126\nno\n')
  },
)

when(missing)(
  `exec -t: a link at /dev/pts/ptmx that leads out is not opened (CVE-2025-52565)${why(missing)}`,
  t => {
    const script = `umount /dev/pts; ln -s ${victim}/secret /dev/pts/ptmx; ln -s ${victim}/secret /dev/pts/0`
    start('terminals', script, '--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined')
    const { status, stdout, stderr } = own('exec', '-t', 'terminals', 'cat')
    t.deepEqual([status, stdout], [126, ''])
    t.regex(stderr, /\/dev\/pts of the container is no devpts/)
    start(
      'moved',
      `umount /dev/pts; rmdir /dev/pts; ln -s ${victim} /dev/pts`,
      '--cap-add=SYS_ADMIN',
      '--security-opt=seccomp=unconfined',
    )
    t.regex(
      own('exec', '-t', 'moved', 'cat').stderr,
      /open \/dev\/pts, which must be no link: (ENOTDIR|ELOOP)/,
    )
  },
)

when(missing)(`cp into a container: links lead nowhere but into it (CVE-2018-15664)${why(missing)}`, t => {
  start(
    'into',
    `mkdir /a /b; ln -s ${victim} /a/out; ln -s ../../../../../..${victim} /a/up; ln -s ${victim}/new /b/file
     ln -s /proc/1/root/../../..${victim} /a/door; ln -s /proc/self/fd /a/fds`,
  )
  const source = join(folder, 'source')
  mkdirSync(join(source, 'deep'), { recursive: true })
  for (const name of ['file', 'deep/file']) writeFileSync(join(source, name), 'of the host')
  const file = join(source, 'file')
  for (const target of ['/a/out/', '/a/up/x', '/a/door/x', '/a/fds/x', `/a/out/../x/y`, '/proc/1/root/x'])
    t.not(own('cp', file, `into:${target}`).status, 0, target)
  // A link in the place of the copy gives way, as it is.
  done('cp', `${source}/.`, 'into:/b')
  t.is(done('exec', 'into', 'sh', '-c', '[ -L /b/file ] || cat /b/file'), 'of the host')
  t.deepEqual(unharmed(), noHarm)
  done('stop', '-t', '0', 'into')
  for (const target of ['/a/out/', '/a/up/x', '/a/door/x'])
    t.not(own('cp', file, `into:${target}`).status, 0, `stopped: ${target}`)
  t.deepEqual(unharmed(), noHarm)
})

when(missing)(
  `cp out of a container: links are copied, what they lead to is not (CVE-2018-15664, CVE-2019-14271)${why(missing)}`,
  t => {
    const links = `ln -s ${victim}/secret /d/link; ln -s ${victim} /d/folder; ln -s /proc/1/root/../../..${victim} /d/door`
    // Of the image's own, of what it would load to look up a user or a host.
    start('out', `mkdir -p /d /lib; ${links}; echo trojan > /lib/libnss_files.so.2`)
    const target = join(folder, 'copied')
    done('cp', 'out:/d', target)
    t.is(readlinkSync(join(target, 'link')), join(victim, 'secret'))
    t.is(readlinkSync(join(target, 'folder')), victim)
    t.false(own('cp', 'out:/d', '-').stdout.includes(secret))
    for (const path of ['/d/folder/secret', '/d/door/secret', `/../../../..${victim}/secret`])
      t.not(own('cp', `out:${path}`, join(folder, 'never')).status, 0, path)
    // Over a link that the last copy has brought.
    writeFileSync(join(folder, 'plain'), 'x')
    done('cp', 'out:/d/link', join(folder, 'plain'))
    t.deepEqual(unharmed(), noHarm)
  },
)

when(missing)(`commit, diff and export: links of a container are not followed${why(missing)}`, t => {
  start('kept', `mkdir /d; ln -s ${victim}/secret /d/link; rm -rf /etc; ln -s ${victim} /etc`)
  t.regex(done('diff', 'kept'), /C \/etc\n|A \/etc\n/)
  const exported = join(folder, 'kept.tar')
  done('export', 'kept', '-o', exported)
  t.false(readFileSync(exported).includes(secret))
  done('commit', 'kept', 'kept:1')
  const saved = join(folder, 'kept-image.tar')
  done('save', 'kept:1', '-o', saved)
  t.false(readFileSync(saved).includes(secret))
  t.deepEqual(unharmed(), noHarm)
})

/** All but the ends of lines and tabs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/

/** Clears the screen, writes to the clipboard, turns text around, and goes back to the start of the line. */
const nasty = '\u001b[2J\u001b]52;c;eA==\u0007\u009b31m\u202edlrow\rX'

when(missing)(
  `ps, inspect, top, diff, exec and their errors show words of an image and a container by escapes${why(missing)}`,
  t => {
    done('run', '-d', '--name', 'told', '--network', 'none', 'told:1')
    done('exec', 'told', 'sh', '-c', `touch "/tmp/$1"`, 'sh', nasty.replaceAll('/', ''))
    const shown = [
      own('ps', '--no-trunc'),
      own('inspect', 'told'),
      own('inspect', '--json', 'told'),
      own('ps', '--json'),
      own('top', 'told'),
      own('diff', 'told'),
      own('exec', 'told', nasty),
      own('exec', '-u', nasty, 'told', 'id'),
      own('exec', '-w', `/${nasty}`, 'told', 'id'),
      own('run', '--rm', '--network', 'none', 'told:1', nasty),
      own('cp', `told:/${nasty}`, folder),
      own('inspect', 'told:1'),
      own('history', 'told:1'),
    ]
    for (const [index, { stdout, stderr }] of shown.entries())
      t.notRegex(`${stdout}${stderr}`, control, `${index}: ${JSON.stringify(stdout + stderr)}`)
    t.true(shown[0]!.stdout.includes('\\x1b[2J'))
  },
)

when(missing)(`logs: what the program said comes as it was, in JSON by escapes${why(missing)}`, t => {
  done('run', '--name', 'said', '--network', 'none', 'app:1', 'printf', '%s', nasty)
  t.is(done('logs', 'said'), nasty)
  t.notRegex(done('logs', '--json', 'said'), control)
})

when(missing ?? noOrdinaryUser)(
  `rootless: control groups of the host cannot be changed from /sys/fs/cgroup (CVE-2023-25809)${why(missing ?? noOrdinaryUser)}`,
  async t => {
    const user = makeTestUser('lading-test-h')
    try {
      const archive = join(user.home, 'app.tar')
      run('cp', [join(folder, 'app.tar'), archive])
      const script = `find /sys/fs/cgroup -writable 2>/dev/null | grep -v '^/sys/fs/cgroup$'
        for folder in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $folder/x 2>/dev/null && echo "made $folder/x"; done
        awk '$2 ~ "^/sys" && $4 !~ "^ro" { print $2, $4 }' /proc/self/mounts; id -u`
      for (const network of ['none', 'host']) {
        const flags = ['--rm', '--network', network]
        const { stdout, stderr } = await user.lading(
          'run',
          ...flags,
          `docker-archive:${archive}:app:1`,
          'sh',
          '-c',
          script,
        )
        t.is(stdout, '0\n', `${network}: ${stderr}`)
      }
    } finally {
      user.remove()
    }
  },
)
