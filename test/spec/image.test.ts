import { createHash } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { goJson } from '../../src/spec/canonical-json.js'
import { chainIds } from '../../src/spec/chain-id.js'
import { parseConfig } from '../../src/spec/config.js'
import { deriveManifest } from '../../src/spec/derived-manifest.js'
import { isDigest, parseDigest } from '../../src/spec/digest.js'
import { visible } from '../../src/spec/escape.js'
import { pairHistory } from '../../src/spec/history.js'
import { parseIndex } from '../../src/spec/image-index.js'
import { parseManifest, sniffMediaType } from '../../src/spec/manifest.js'
import {
  isForeignLayer,
  isLayerType,
  layerEncoding,
  mediaTypes,
  withEncoding,
} from '../../src/spec/media-types.js'
import { formatPlatform, normalizePlatform, parsePlatform, pickPlatform } from '../../src/spec/platform.js'
import {
  familiarName,
  fullName,
  parseReference,
  sameReference,
  withDefaultTag,
} from '../../src/spec/reference.js'
import { v1Layers } from '../../src/spec/v1-id.js'
import { configFromV1, parseV1Image } from '../../src/spec/v1-image.js'

const hex = 'a'.repeat(64)
const digest = `sha256:${hex}` as const
const document = (value: unknown, mediaType: string = mediaTypes.ociManifest) => {
  const bytes = Buffer.from(JSON.stringify(value))
  return { bytes, descriptor: { mediaType, digest, size: bytes.length } }
}
const descriptor = { mediaType: mediaTypes.ociConfig, digest, size: 2 }

test('parseDigest: only registered algorithms in lower-case hex (CVE-2024-3727)', t => {
  t.is(parseDigest(digest), digest)
  t.true(isDigest(`sha512:${'0'.repeat(128)}`))
  for (const bad of [
    `sha256:${hex.toUpperCase()}`,
    'sha256:../../etc/passwd',
    `md5:${hex.slice(32)}`,
    `sha256:${hex}0`,
    `sha512:${hex}`,
    '',
    7,
    null,
  ])
    t.throws(() => parseDigest(bad), { message: /^Bad digest: found / }, String(bad))
})

test('parseReference: the distribution grammar, in full and familiar', t => {
  const cases: [string, string, string][] = [
    ['alpine', 'docker.io/library/alpine', 'alpine'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20', 'alpine:3.20'],
    ['team/app', 'docker.io/team/app', 'team/app'],
    ['docker.io/library/alpine', 'docker.io/library/alpine', 'alpine'],
    ['index.docker.io/alpine:1', 'docker.io/library/alpine:1', 'alpine:1'],
    ['localhost/app:1', 'localhost/app:1', 'localhost/app:1'],
    [
      'example.com:5000/a/b__c/d-e:T_1.2-3',
      'example.com:5000/a/b__c/d-e:T_1.2-3',
      'example.com:5000/a/b__c/d-e:T_1.2-3',
    ],
    [`app@${digest}`, `docker.io/library/app@${digest}`, `app@${digest}`],
    [`[::1]:5000/app:1@${digest}`, `[::1]:5000/app:1@${digest}`, `[::1]:5000/app:1@${digest}`],
  ]
  for (const [text, full, familiar] of cases) {
    const reference = parseReference(text)
    t.is(fullName(reference), full)
    t.is(familiarName(reference), familiar)
    t.true(sameReference(parseReference(familiar), reference))
  }
  t.is(fullName(withDefaultTag(parseReference('a'))), 'docker.io/library/a:latest')
})

test('parseReference: what is no reference is told which part is wrong', t => {
  const cases: [string, RegExp][] = [
    ['Alpine', /lower case/],
    ['a//b', /empty/],
    ['a:', /tag/],
    ['a:.x', /tag/],
    [`a:${'x'.repeat(129)}`, /tag/],
    ['a/../b', /"\.\."/],
    ['-a', /"-a"/],
    [hex, /an ID, not a name/],
    [`${'a/'.repeat(130)}a`, /longer than 255/],
    ['a@sha256:short', /Bad digest/],
    ['ex_ample.com/a', /domain/],
  ]
  for (const [text, message] of cases) t.throws(() => parseReference(text), { message }, text)
  fc.assert(
    fc.property(fc.string(), text => {
      try {
        return sameReference(parseReference(familiarName(parseReference(text))), parseReference(text))
      } catch (error) {
        return (error as { code?: string }).code?.startsWith('BAD_') === true
      }
    }),
  )
})

test('platforms: one spelling, and the newest variant that is not too new', t => {
  t.is(formatPlatform(parsePlatform('linux/aarch64/v8')), 'linux/arm64')
  t.is(formatPlatform(parsePlatform('linux/x86_64')), 'linux/amd64')
  t.is(formatPlatform(normalizePlatform({ os: 'linux', architecture: 'armhf' })), 'linux/arm/v7')
  t.throws(() => parsePlatform('linux/amd64/v1/x'), { message: /Bad platform/ })
  const arm = ['v5', 'v6', 'v7'].map(variant => ({ os: 'linux', architecture: 'arm', variant }))
  t.is(pickPlatform(parsePlatform('linux/arm/v6'), arm), 1)
  t.is(pickPlatform(parsePlatform('linux/arm'), arm), 2)
  t.is(pickPlatform(parsePlatform('linux/amd64'), arm), undefined)
  const amd = ['v1', 'v2', 'v3'].map(variant => ({ os: 'linux', architecture: 'amd64', variant }))
  t.is(pickPlatform(parsePlatform('linux/amd64'), amd), 0)
  t.is(pickPlatform(parsePlatform('linux/amd64/v2'), amd), 1)
})

test('parseManifest: fields, and what makes a document mean two things (CVE-2021-41190)', t => {
  const good = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: descriptor,
    layers: [descriptor],
  }
  t.deepEqual(parseManifest(document(good)).layers, [descriptor])
  t.deepEqual(parseManifest(document({ ...good, layers: null })).layers, [])
  const bad: [unknown, RegExp][] = [
    [{ ...good, manifests: [] }, /both "manifests" and "layers"/],
    [{ ...good, mediaType: mediaTypes.ociIndex }, /calls itself/],
    [{ ...good, Layers: [] }, /both "layers" and "Layers"/],
    [{ ...good, schemaVersion: 1 }, /schemaVersion is 1/],
    [{ ...good, config: { ...descriptor, size: -1 } }, /"size".*found -1/],
    [{ ...good, config: { ...descriptor, size: 1.5 } }, /"size"/],
    [{ ...good, config: { ...descriptor, digest: 'sha256:../x' } }, /Bad field/],
    [{ ...good, layers: 'x' }, /wanted a list/],
    [{ ...good, layers: Array(513).fill(descriptor) }, /at most 512/],
    [[], /wanted an object/],
  ]
  for (const [value, message] of bad)
    t.throws(() => parseManifest(document(value)), { message }, JSON.stringify(value).slice(0, 80))
  t.is(sniffMediaType(document({ manifests: [] }).bytes), mediaTypes.ociIndex)
  t.deepEqual(
    parseIndex(document({ schemaVersion: 2, manifests: [descriptor] }, mediaTypes.ociIndex)).manifests,
    [descriptor],
  )
})

test('media types: both families, every spelling of an encoding', t => {
  for (const type of [
    'application/vnd.docker.image.rootfs.diff.tar.gzip',
    'application/vnd.oci.image.layer.v1.tar+gzip',
  ])
    t.is(layerEncoding(type), 'gzip')
  t.is(layerEncoding('application/vnd.docker.image.rootfs.diff.tar.zstd'), 'zstd')
  t.is(layerEncoding('application/vnd.in-toto+json'), undefined)
  t.true(isForeignLayer('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'))
  t.true(isForeignLayer('application/vnd.oci.image.layer.nondistributable.v1.tar'))
  t.false(isLayerType('application/vnd.oci.image.layer.v1.tar+gzip+encrypted'))
  t.is(withEncoding(mediaTypes.dockerLayer, 'gzip'), 'application/vnd.docker.image.rootfs.diff.tar.gzip')
  t.is(withEncoding('application/vnd.oci.image.layer.v1.tar+gzip', 'none'), mediaTypes.ociLayer)
})

test('parseConfig: lenient where images are, strict in its DiffIDs', t => {
  const parse = (value: unknown) => parseConfig(Buffer.from(JSON.stringify(value)), 'config')
  const config = parse({ rootfs: { diff_ids: [digest] }, history: null, config: null, extra: { kept: 1 } })
  t.deepEqual(config.diffIds, [digest])
  t.deepEqual(config.fields.extra, JSON.parse('{"kept":1}'))
  t.throws(() => parse({}), { message: /no "rootfs"/ })
  t.throws(() => parse({ rootfs: { type: 'base', diff_ids: [] } }), { message: /"layers"/ })
  t.throws(() => parse({ rootfs: { diff_ids: ['x'] } }), { message: /diff_ids\[0\]/ })
})

test('pairHistory: entries take layers in order; too few, too many, none', t => {
  const step = (emptyLayer = false) => ({ emptyLayer })
  t.deepEqual(
    pairHistory([step(), step(true), step()], 2).entries.map(({ layer }) => layer),
    [0, undefined, 1],
  )
  t.is(pairHistory([step()], 3).missing, 2)
  t.is(pairHistory([], 3).missing, 3)
  const surplus = pairHistory([step(), step()], 1)
  t.is(surplus.surplus, 1)
  t.is(surplus.entries[1]!.layer, undefined)
})

test('chainIds: sha256 of "parent DiffID"', t => {
  const [first, second] = chainIds([digest, digest])
  t.is(first, digest)
  t.is(second, `sha256:${createHash('sha256').update(`${digest} ${digest}`).digest('hex')}`)
})

test('goJson: as Go escapes', t => {
  t.is(goJson({ '<a>': '&\u2028\b\f\n\\b' }), '{"\\u003ca\\u003e":"\\u0026\\u2028\\u0008\\u000c\\n\\\\b"}')
})

test('deriveManifest: what docker save of Docker 25 writes', t => {
  const { bytes, descriptor: made } = deriveManifest({ digest, size: 7 }, [
    { mediaType: mediaTypes.ociLayer, digest, size: 9 },
  ])
  t.is(
    bytes.toString(),
    `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"${digest}","size":7},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"${digest}","size":9}]}`,
  )
  t.is(made.digest, `sha256:${createHash('sha256').update(bytes).digest('hex')}`)
})

test('v1Layers: a base layer has the ID that docker save has given it since 1.10', t => {
  // Of every image whose first layer is the empty one, whatever is above it.
  const empty = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef' as const
  const config = parseConfig(
    Buffer.from(JSON.stringify({ os: 'linux', rootfs: { diff_ids: [empty, digest] } })),
    'config',
  )
  const [base, top] = v1Layers(config)
  t.is(JSON.parse(base!.json.toString()).created, '1970-01-01T00:00:00Z')
  t.is(JSON.parse(top!.json.toString()).parent, base!.id)
  t.is(JSON.parse(top!.json.toString()).os, 'linux')
})

test('configFromV1: sorted keys, what the old store kept is gone, one history entry a layer', t => {
  const parse = (value: object) => parseV1Image(Buffer.from(JSON.stringify(value)), 'json')
  const base = parse({
    id: hex,
    created: '2014-01-01T00:00:00.100Z',
    container_config: { Cmd: ['/bin/sh', '-c', 'a'] },
    Size: 5,
  })
  const top = parse({
    id: 'b'.repeat(64),
    parent: hex,
    created: '2014-01-02T00:00:00Z',
    docker_version: '1.9.1',
    os: 'linux',
    throwaway: true,
    unknown: { kept: '<' },
  })
  const config = configFromV1([
    { image: base, diffId: digest },
    { image: top, diffId: digest },
  ]).toString()
  t.is(
    config,
    `{"created":"2014-01-02T00:00:00Z","docker_version":"1.9.1","history":[{"created":"2014-01-01T00:00:00.1Z","created_by":"/bin/sh -c a"},{"created":"2014-01-02T00:00:00Z"}],"os":"linux","rootfs":{"type":"layers","diff_ids":["${digest}","${digest}"]},"unknown":{"kept":"\\u003c"}}`,
  )
  t.throws(() => parse({ id: '../x' }), { message: /64 hex digits/ })
})

test('visible: nothing that a terminal acts on comes through', t => {
  t.is(visible('\x1b]52;c;x\x07'), '\\x1b]52;c;x\\x07')
  t.is(visible('a\u202eb\u009bc\nd'), 'a\\u202eb\\x9bc\\nd')
  t.is(visible(Buffer.from([0x61, 0xff])), 'a\\xff')
  t.is(visible('grün 猫 😀'), 'grün 猫 😀')
  fc.assert(
    fc.property(fc.uint8Array(), bytes => !/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(visible(bytes))),
  )
})
