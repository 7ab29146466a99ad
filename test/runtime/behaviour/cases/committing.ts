import type { Subject } from '../case.js'
import { wrongUsage } from './reasons.js'

export const committing: Subject = {
  title: 'diff, commit and export',
  cases: [
    {
      name: 'diff',
      steps: [
        `- run --name NAME IMAGE sh -c 'echo x > /srv/new; rm /data/seed; chmod 600 /etc/group; mkdir /made'`,
        '$ $RUN_OF diff NAME | sort',
      ],
      expect: '0 A /made ⏎ A /srv/new ⏎ C /data ⏎ C /etc ⏎ C /etc/group ⏎ C /srv ⏎ D /data/seed',
    },
    {
      name: 'commit keeps files and settings',
      image: { Cmd: ['cat', '/srv/new'], Env: ['PATH=/bin', 'A=1'] },
      steps: [
        `- run --name NAME -e B=2 IMAGE sh -c 'echo written > /srv/new'`,
        '- commit NAME made-NAME:1',
        `run --rm made-NAME:1 sh -c 'cat /srv/new; echo $A $B'`,
        'run --rm made-NAME:1',
      ],
      expect: ['0 written ⏎ 1 2', '0'],
    },
    {
      name: 'commit --change',
      steps: [
        `- create --name NAME IMAGE`,
        `- commit --change 'CMD ["echo", "changed"]' --change 'ENV A=b' --change 'USER app' --change 'WORKDIR /srv' NAME made-NAME:1`,
        'run --rm made-NAME:1',
        `run --rm made-NAME:1 sh -c 'echo $A; id -un; pwd'`,
      ],
      expect: ['0 changed', '0 b ⏎ app ⏎ /srv'],
    },
    {
      name: 'commit --change of ENTRYPOINT takes CMD along',
      steps: [
        `- create --name NAME IMAGE echo cmd`,
        `- commit --change 'ENTRYPOINT ["echo", "entry"]' NAME made-NAME:1`,
        'run --rm made-NAME:1',
      ],
      expect: '0 entry',
    },
    {
      name: 'commit --change of nonsense',
      steps: [
        '- create --name NAME IMAGE',
        `commit --change 'NONSENSE x' NAME made-NAME:1`,
        `commit --change 'RUN true' NAME made-NAME:1`,
      ],
      expect: ['1 ! bad instruction', '1 ! bad instruction'],
      lading: { expect: ['2 ! bad instruction', '2 ! bad instruction'], why: wrongUsage },
    },
    {
      name: 'commit to a name that is none',
      steps: ['- create --name NAME IMAGE', 'commit NAME Made:1'],
      expect: '1 ! bad image name',
    },
    {
      name: 'export',
      steps: [
        `- run --name NAME IMAGE sh -c 'echo x > /srv/new; rm /data/seed'`,
        '- export -o DIR/all.tar NAME',
        '$ tar -tf all.tar | grep -E "^(srv|data)/"',
        '$ tar -xOf all.tar srv/new',
      ],
      expect: ['0 data/ ⏎ srv/ ⏎ srv/new', '0 x'],
    },
  ],
}
