import type { Subject } from '../case.js'

export const copying: Subject = {
  title: 'cp',
  cases: [
    {
      name: 'a file to a name that is free',
      steps: ['- create --name NAME IMAGE', 'cp NAME:/data/seed DIR/new', '$ cat new'],
      expect: '?',
    },
    {
      name: 'a file into a folder',
      steps: [
        '- create --name NAME IMAGE',
        '- $ mkdir into',
        'cp NAME:/data/seed DIR/into',
        '$ cat into/seed',
      ],
      expect: '?',
    },
    {
      name: 'a file over a file',
      steps: ['- create --name NAME IMAGE', '- $ echo old > old', 'cp NAME:/data/seed DIR/old', '$ cat old'],
      expect: '?',
    },
    {
      name: 'a file to a folder that is not there',
      steps: ['- create --name NAME IMAGE', 'cp NAME:/data/seed DIR/no/', 'cp NAME:/data/seed DIR/no/x'],
      expect: '?',
    },
    {
      name: 'a folder to a name that is free',
      steps: ['- create --name NAME IMAGE', 'cp NAME:/data DIR/new', '$ find new'],
      expect: '?',
    },
    {
      name: 'a folder into a folder',
      steps: ['- create --name NAME IMAGE', '- $ mkdir into', 'cp NAME:/data DIR/into', '$ find into | sort'],
      expect: '?',
    },
    {
      name: 'what is in a folder into a folder',
      steps: [
        '- create --name NAME IMAGE',
        '- $ mkdir into',
        'cp NAME:/data/. DIR/into',
        '$ find into | sort',
      ],
      expect: '?',
    },
    {
      name: 'a folder over a file',
      steps: ['- create --name NAME IMAGE', '- $ echo old > old', 'cp NAME:/data DIR/old', '$ cat old'],
      expect: '?',
    },
    {
      name: 'what is not there',
      steps: [
        '- create --name NAME IMAGE',
        'cp NAME:/nothing DIR/x',
        'cp DIR/nothing NAME:/x',
        'cp OTHER:/x DIR',
      ],
      expect: '?',
    },
    {
      name: 'to standard output, as a tar',
      steps: ['- create --name NAME IMAGE', '$ $RUN_OF cp NAME:/data - | tar -t | sort'],
      expect: '?',
    },
    {
      name: 'from standard input, as a tar',
      steps: [
        '- create --name NAME IMAGE',
        '- $ mkdir given && echo x > given/x',
        '$ tar -c given | $RUN_OF cp - NAME:/srv',
        '- cp NAME:/srv/given/x DIR/back',
        '$ cat back',
      ],
      expect: '?',
    },
    {
      name: 'a file into the container',
      steps: [
        '- create --name NAME IMAGE',
        '- $ echo mine > mine && chmod 640 mine',
        'cp DIR/mine NAME:/srv/new',
        'cp DIR/mine NAME:/srv',
        'cp DIR/mine NAME:/data/seed',
        '- start -a NAME',
        '- cp NAME:/srv DIR/back',
        '$ cd back && stat -c "%n %a" *',
      ],
      expect: '?',
    },
    {
      name: 'a file into a folder of the container that is not there',
      steps: [
        '- create --name NAME IMAGE',
        '- $ echo mine > mine',
        'cp DIR/mine NAME:/no/',
        'cp DIR/mine NAME:/no/x',
      ],
      expect: '?',
    },
    {
      name: 'a folder into the container',
      steps: [
        '- create --name NAME IMAGE',
        '- $ mkdir -p mine/sub && echo mine > mine/sub/x',
        'cp DIR/mine NAME:/new',
        'cp DIR/mine NAME:/srv',
        'cp DIR/mine/. NAME:/data',
        '- cp NAME:/ DIR/back',
        '$ cd back && find new srv data | sort',
      ],
      expect: '?',
    },
    {
      name: 'a folder over a file of the container',
      steps: ['- create --name NAME IMAGE', '- $ mkdir mine', 'cp DIR/mine NAME:/data/seed'],
      expect: '?',
    },
    {
      name: 'a file over a folder of the container',
      steps: ['- create --name NAME IMAGE', '- $ mkdir -p got && echo x > srv', 'cp DIR/srv NAME:/'],
      expect: '?',
    },
    {
      name: 'owners: of root, with -a its own',
      steps: [
        `- create --name NAME IMAGE stat -c '%n %u:%g' /srv/x /srv/y`,
        '- $ echo x > x && chown 7:8 x && cp -p x y',
        'cp DIR/x NAME:/srv/x',
        'cp -a DIR/y NAME:/srv/y',
        'start -a NAME',
      ],
      expect: '?',
    },
    {
      name: 'out of a container that runs',
      steps: [
        `- run -d --name NAME IMAGE sh -c 'echo written > /tmp/x; echo up; exec sleep 60'`,
        { until: 'logs NAME', says: 'up' },
        'cp NAME:/tmp/x DIR/x',
        '$ cat x',
      ],
      expect: '?',
    },
    {
      name: 'into a container that runs',
      steps: [
        '- run -d --name NAME IMAGE sleep 60',
        '- $ echo mine > mine',
        'cp DIR/mine NAME:/tmp/',
        'exec NAME cat /tmp/mine',
      ],
      expect: '?',
    },
    {
      name: 'a link itself, and with -L what it leads to',
      steps: [
        '- create --name NAME IMAGE',
        `cp NAME:/bin/sh DIR/link`,
        '$ readlink link',
        `cp -L NAME:/bin/sh DIR/file`,
        '$ test -f file && test ! -L file && echo file',
      ],
      expect: '?',
    },
    {
      name: 'through a link to a folder',
      steps: [
        `- run --name NAME IMAGE ln -s /data /linked`,
        `cp NAME:/linked/seed DIR/x`,
        '$ cat x',
        '- $ echo mine > mine',
        'cp DIR/mine NAME:/linked/',
        'cp NAME:/data/mine DIR/back',
        '$ cat back',
      ],
      expect: '?',
    },
    {
      name: 'out of a volume',
      steps: [
        `- run --name NAME -v /data IMAGE sh -c 'echo more > /data/more'`,
        'cp NAME:/data/more DIR/more',
        '$ cat more',
      ],
      expect: '?',
    },
    {
      name: 'between two containers',
      steps: ['- create --name NAME IMAGE', '- create --name OTHER IMAGE', 'cp NAME:/data/seed OTHER:/srv'],
      expect: '?',
    },
  ],
}
