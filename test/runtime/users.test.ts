import test from 'ava'
import { largestUserFile, type ReadUserFile, resolveUser } from '../../src/runtime/users.js'
import { LadingError } from '../../src/spec/errors.js'

const files = (contents: Record<string, string>): ReadUserFile => {
  return async path => (contents[path] === undefined ? undefined : Buffer.from(contents[path]))
}

const usual = files({
  '/etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh',
    '# a comment, and an empty line',
    '',
    'app:x:1000:1001:An app:/srv/app:/bin/sh',
    'homeless:x:1002:1002:::',
    '1000:x:5:6:a name of digits:/five:/bin/sh',
    'wild:x:4294967296:0::/:/bin/sh',
  ].join('\n'),
  '/etc/group': ['root:x:0:', 'app:x:1001:', 'wheel:x:10:root,app', 'audio:x:29:app', '77:x:5:'].join('\n'),
})

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
    return 'none'
  } catch (error) {
    return error instanceof LadingError ? error.code : String(error)
  }
}

const forms = [
  ['', { uid: 0, gid: 0, groups: [0, 10], home: '/root' }],
  ['root', { uid: 0, gid: 0, groups: [0, 10], home: '/root' }],
  ['app', { uid: 1000, gid: 1001, groups: [1001, 10, 29], home: '/srv/app' }],
  ['app:', { uid: 1000, gid: 1001, groups: [1001, 10, 29], home: '/srv/app' }],
  ['app:wheel', { uid: 1000, gid: 10, groups: [10], home: '/srv/app' }],
  ['app:4242', { uid: 1000, gid: 4242, groups: [4242], home: '/srv/app' }],
  ['1000', { uid: 1000, gid: 1001, groups: [1001, 10, 29], home: '/srv/app' }],
  ['4711', { uid: 4711, gid: 0, groups: [0], home: '/' }],
  ['4711:4712', { uid: 4711, gid: 4712, groups: [4712], home: '/' }],
  [':wheel', { uid: 0, gid: 10, groups: [10], home: '/root' }],
  ['homeless', { uid: 1002, gid: 1002, groups: [1002], home: '/' }],
  ['00', { uid: 0, gid: 0, groups: [0, 10], home: '/root' }],
] as const

for (const [user, expected] of forms)
  test(`resolveUser reads "${user}" as Docker does`, async t => {
    t.deepEqual(await resolveUser(user, [], usual), expected)
  })

test('resolveUser takes digits for an ID though a user and a group of that name exist (CVE-2016-3697)', async t => {
  t.is((await resolveUser('1000', [], usual)).uid, 1000)
  t.is((await resolveUser('0:77', [], usual)).gid, 77)
})

test('resolveUser adds groups by name and number, each once', async t => {
  t.deepEqual((await resolveUser('app', ['audio', '5', 'wheel'], usual)).groups, [1001, 10, 29, 5])
  t.is(await codeOf(resolveUser('app', ['nobody-knows'], usual)), 'NOT_FOUND')
})

test('resolveUser says which name it did not find, and where', async t => {
  await t.throwsAsync(resolveUser('nobody', [], usual), {
    message: 'Unable to find user nobody: no matching entries in passwd file',
  })
  await t.throwsAsync(resolveUser('app:nogroup', [], usual), {
    message: 'Unable to find group nogroup: no matching entries in group file',
  })
})

test('resolveUser refuses IDs out of range, which would wrap to root or mean "no change"', async t => {
  for (const user of [
    '4294967295',
    '4294967296',
    '18446744073709551616',
    '0:4294967296',
    'wild',
    '-1',
    '1e3',
  ])
    t.true(['BAD_DOCUMENT', 'NOT_FOUND'].includes(await codeOf(resolveUser(user, [], usual))), user)
})

test('resolveUser works without /etc/passwd and /etc/group', async t => {
  const none = files({})
  t.deepEqual(await resolveUser('', [], none), { uid: 0, gid: 0, groups: [0], home: '/' })
  t.deepEqual(await resolveUser('12:13', ['14'], none), { uid: 12, gid: 13, groups: [13, 14], home: '/' })
  t.is(await codeOf(resolveUser('app', [], none)), 'NOT_FOUND')
})

test('resolveUser refuses a user file without end', async t => {
  const long = files({ '/etc/passwd': 'x'.repeat(largestUserFile + 1) })
  t.is(await codeOf(resolveUser('root', [], long)), 'LIMIT_EXCEEDED')
})
