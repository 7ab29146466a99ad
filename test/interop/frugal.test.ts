import { createHash } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { attempt, has, ladingProgram, run } from '../helpers/programs.js'

// What a big archive costs: bytes read and memory. The archives are sparse files, so making them is cheap.
const MB = 1_000_000
const folder = mkdtempSync(join(tmpdir(), 'frugal-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const header = (name: string, size: number, type = '0'): Buffer => {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write('0000644\0' + '0000000\0' + '0000000\0', 100)
  block.write(`${size.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0        ${type}`, 124)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
const padded = (size: number) => Math.ceil(size / 512) * 512

/** Write a tar of `files` files, `size` bytes in all, into `fd` at `at`; all content is zeros, never written. */
const writeLayer = (
  fd: number,
  at: number,
  files: number,
  size: number,
  label: string,
): { length: number; digest: string } => {
  const each = Math.floor(size / files)
  let offset = 0
  for (let index = 0; index < files; index++) {
    writeSync(fd, header(`${label}/${index % 100}/file-${index}`, each), 0, 512, at + offset)
    offset += 512 + padded(each)
  }
  const length = offset + 1024
  ftruncateSync(fd, at + length)
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(1 << 20)
  for (let done = 0; done < length; ) {
    const got = readSync(fd, chunk, 0, Math.min(chunk.length, length - done), at + done)
    hash.update(chunk.subarray(0, got))
    done += got
  }
  return { length, digest: hash.digest('hex') }
}

const makeArchive = (path: string, layers: number, files: number, size: number): void => {
  const fd = openSync(path, 'w+')
  let offset = 0
  const diffIds: string[] = []
  for (let index = 0; index < layers; index++) {
    const layer = writeLayer(fd, offset + 512, files, size, `layer-${index}`)
    writeSync(fd, header(`${index}/layer.tar`, layer.length), 0, 512, offset)
    diffIds.push(`sha256:${layer.digest}`)
    offset += 512 + padded(layer.length)
  }
  const config = JSON.stringify({
    ...{ architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } },
    history: diffIds.map((_, index) => ({ created: '2024-01-01T00:00:00Z', created_by: `layer ${index}` })),
  })
  const documents = {
    'config.json': config,
    'manifest.json': JSON.stringify([
      { Config: 'config.json', RepoTags: ['big:1'], Layers: diffIds.map((_, index) => `${index}/layer.tar`) },
    ]),
  }
  for (const [name, text] of Object.entries(documents)) {
    writeSync(fd, header(name, text.length), 0, 512, offset)
    writeSync(fd, text, offset + 512)
    offset += 512 + padded(text.length)
  }
  ftruncateSync(fd, offset + 1024)
  closeSync(fd)
}

/** Bytes that the program got from read calls on the archive, by strace. */
const bytesRead = (archive: string, args: readonly string[]): number => {
  const trace = join(folder, 'trace')
  run('strace', [
    '-f',
    '-y',
    '-o',
    trace,
    '-e',
    'trace=read,pread64,readv,preadv,mmap',
    process.execPath,
    ladingProgram,
    ...args,
  ])
  const calls = readFileSync(trace, 'utf8')
    .split('\n')
    .filter(line => line.includes(`<${archive}>`))
  if (calls.length === 0) throw new Error(`strace saw no read of ${archive}`)
  return calls.reduce((sum, line) => sum + Number(/= (\d+)$/.exec(line)?.[1] ?? 0), 0)
}

const noTrace = !has('strace')
  ? 'strace is not installed'
  : attempt('strace', ['-e', 'trace=none', 'true']).status !== 0
    ? 'strace may not trace here'
    : undefined

;(noTrace ? test.serial.skip : test.serial)(
  `inspect, history and ls of an uncompressed 500 MB archive read less than 2 % of it${noTrace ? ` [skipped: ${noTrace}]` : ''}`,
  t => {
    const archive = join(folder, 'headers.tar')
    makeArchive(archive, 5, 2400, 100 * MB)
    const size = statSync(archive).size
    for (const command of ['inspect', 'history', 'ls']) {
      const share = bytesRead(archive, [command, archive]) / size
      t.log(`${command}: ${(share * 100).toFixed(3)} % of ${size} bytes`)
      t.true(share < 0.02, `${command} read ${share * 100} %`)
    }
    rmSync(archive)
  },
)

const noTime = has('time') ? undefined : 'GNU time is not installed'
;(noTime ? test.serial.skip : test.serial)(
  `load and save of a 2 GB archive stay below 200 MB of memory${noTime ? ` [skipped: ${noTime}]` : ''}`,
  t => {
    const archive = join(folder, 'big.tar')
    const store = join(folder, 'store')
    makeArchive(archive, 4, 3000, 500 * MB)
    for (const args of [
      ['--store', store, 'load', '-i', archive],
      ['--store', store, 'save', '-o', join(folder, 'again.tar'), 'big:1'],
    ]) {
      const { status, stderr } = attempt('time', ['-f', 'peak %M', process.execPath, ladingProgram, ...args])
      t.is(status, 0, stderr)
      const peak = Number(/peak (\d+)/.exec(stderr)?.[1]) * 1024
      t.log(`${args[2]}: peak ${(peak / MB).toFixed(0)} MB`)
      t.true(peak > 0 && peak < 200 * MB, stderr)
    }
  },
)
