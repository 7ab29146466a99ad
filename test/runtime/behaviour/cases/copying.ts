import type { Subject } from '../case.js'
import { wrongUsage } from './reasons.js'

export const copying: Subject = {
  title: 'cp',
  cases: [
    {
      name: 'a file to a name that is free',
      steps: ['- create --name NAME IMAGE', 'cp NAME:/data/seed DIR/new', '$ cat new'],
      expect: ['0', '0 from the image'],
    },
    {
      name: 'a file into a folder',
      steps: [
        '- create --name NAME IMAGE',
        '- $ mkdir into',
        'cp NAME:/data/seed DIR/into',
        '$ cat into/seed',
      ],
      expect: ['0', '0 from the image'],
    },
    {
      name: 'a file over a file',
      steps: ['- create --name NAME IMAGE', '- $ echo old > old', 'cp NAME:/data/seed DIR/old', '$ cat old'],
      expect: ['0', '0 from the image'],
    },
    {
      name: 'a file to a folder that is not there',
      steps: ['- create --name NAME IMAGE', 'cp NAME:/data/seed DIR/no/', 'cp NAME:/data/seed DIR/no/x'],
      expect: ['1 ! no such folder', '1 ! no such folder'],
    },
    {
      name: 'a folder into a folder',
      steps: ['- create --name NAME IMAGE', '- $ mkdir into', 'cp NAME:/data DIR/into', '$ find into | sort'],
      expect: ['0', '0 into ⏎ into/data ⏎ into/data/seed'],
    },
    {
      name: 'what is in a folder into a folder',
      steps: [
        '- create --name NAME IMAGE',
        '- $ mkdir into',
        'cp NAME:/data/. DIR/into',
        '$ find into | sort',
      ],
      expect: ['0', '0 into ⏎ into/seed'],
    },
    {
      name: 'a folder over a file',
      steps: ['- create --name NAME IMAGE', '- $ echo old > old', 'cp NAME:/data DIR/old', '$ cat old'],
      expect: ['1 ! a file in the way of a folder', '0 old'],
      lading: { expect: ['2 ! a file in the way of a folder', '0 old'], why: wrongUsage },
    },
    {
      name: 'what is not there',
      steps: [
        '- create --name NAME IMAGE',
        'cp NAME:/nothing DIR/x',
        'cp DIR/nothing NAME:/x',
        'cp OTHER:/x DIR',
      ],
      expect: ['1 ! nothing there', '1 ! nothing there', '1 ! no such container'],
    },
    {
      name: 'to standard output, as a tar',
      steps: ['- create --name NAME IMAGE', '$ $RUN_OF cp NAME:/data - | tar -t | sort'],
      expect: '0 data/ ⏎ data/seed',
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
      expect: ['0', '0', '0', '0 mine 640 ⏎ new 640'],
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
      expect: [
        '0',
        '0',
        '0',
        '0 data ⏎ data/seed ⏎ data/sub ⏎ data/sub/x ⏎ new ⏎ new/sub ⏎ new/sub/x ⏎ srv ⏎ srv/mine ⏎ srv/mine/sub ⏎ srv/mine/sub/x',
      ],
    },
    {
      name: 'a file over a folder of the container',
      steps: ['- create --name NAME IMAGE', '- $ mkdir -p got && echo x > srv', 'cp DIR/srv NAME:/'],
      expect: '1 ! a folder in the way of a file',
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
      expect: ['0', '0', '0 /srv/x 7:8 ⏎ /srv/y 7:8'],
      lading: {
        expect: ['0', '0', '0 /srv/x 0:0 ⏎ /srv/y 7:8'],
        why: 'root’s, as docker’s manual has it too, unless they are to be kept',
      },
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
      expect: ['0', '0 from the image', '0', '0', '0 mine'],
    },
    {
      name: 'out of a volume',
      steps: [
        `- run --name NAME -v /data IMAGE sh -c 'echo more > /data/more'`,
        'cp NAME:/data/more DIR/more',
        '$ cat more',
      ],
      expect: ['0', '0 more'],
    },
    {
      name: 'a link, and with -L what it leads to',
      steps: [
        '- run --name NAME IMAGE ln -s /data/seed /linked',
        'cp NAME:/linked DIR/link',
        '$ readlink link',
        'cp -L NAME:/linked DIR/file',
        '$ cat file',
      ],
      expect: ['0', '0 /data/seed', '0', '0 from the image'],
    },
    {
      name: 'what is in a tar on standard input',
      steps: [
        '- create --name NAME IMAGE',
        '- $ mkdir made && echo more > made/more && echo new > made/seed',
        '$ tar -C made -cf - more seed | $RUN_OF cp - NAME:/data',
        '$ $RUN_OF cp NAME:/data - | tar -xO | sort',
        '$ echo no tar | $RUN_OF cp - NAME:/data 2>/dev/null',
        '$ tar -C made -cf - more | $RUN_OF cp - NAME:/nothing 2>/dev/null',
      ],
      expect: ['0', '0 more ⏎ new', '1', '1'],
    },
  ],
}
