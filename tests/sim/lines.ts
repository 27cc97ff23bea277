/** The network between devices and whoever they dial: late, or silent for ever while it looks open. */
import { decodeFromRelay, decodeToRelay } from '../../crypto/frames';
import type { Connect, Device, World } from '../support/world';

interface Line { lag: number; dead: boolean; up: number; down: number; lost: number }

export class Lines {
  private readonly lines = new Map<Device, Line>();
  /** Every frame that the relay, or whoever stands before it, ever got. */
  readonly up: Uint8Array[] = [];

  /** `process`: which life of the relay's process it is; `note` hears of every frame, when somebody asked to be told. */
  constructor(private readonly world: World, private readonly process: () => number, private readonly note: ((words: string) => void) | null) {}

  /** From now on whoever dials, dials through here. */
  wire(): void {
    this.world.connect = this.between(this.world.connect);
  }

  of(device: Device): Line {
    let l = this.lines.get(device);
    if (l === undefined) this.lines.set(device, (l = { lag: 0, dead: false, up: 0, down: 0, lost: 0 }));
    return l;
  }
  /** A line that looks open and is not stays so until somebody notices. */
  mend(device: Device): void {
    this.of(device).lag = 0;
  }

  /** What is on its way, in either direction, never arrives, and the line is gone. */
  drop(device: Device): void {
    this.of(device).lost++;
    device.cut();
  }

  private between(inner: Connect): Connect {
    const { time } = this.world;
    return (device, send, end) => {
      const line = this.of(device);
      line.dead = false;
      const mine = { open: true };
      const life = this.process();
      const way = (key: 'up' | 'down', go: () => void): void => {
        if (line.dead) return;
        line[key] = Math.max(line[key], time.now + line.lag);
        if (line[key] <= time.now) return go();
        const { lost } = line;
        time.later(line[key] - time.now, () => (mine.open || key === 'up') && !line.dead && lost === line.lost && go());
      };
      const wire = inner(device, (frame) => life === this.process() && way('down', () => (this.told(device, '<', decodeFromRelay, frame), send(frame))), end);
      return {
        receive: (frame) => (this.up.push(frame), way('up', () => (this.told(device, '>', decodeToRelay, frame), void wire.receive(frame))), 0),
        // what was sent before the end still arrives before it
        close: () => {
          mine.open = false;
          if (line.dead) wire.close();
          else way('up', () => wire.close());
        }
      };
    };
  }
  private told(device: Device, way: '<' | '>', decode: typeof decodeFromRelay | typeof decodeToRelay, frame: Uint8Array): void {
    if (this.note === null) return;
    const d = decode(frame);
    if (!d.ok || d.value.is === 'ping' || d.value.is === 'pong') return;
    const short = (_: string, v: unknown): unknown => (v instanceof Uint8Array ? `${Buffer.from(v.slice(0, 4)).toString('hex')}…${v.length}` : v);
    this.note(`    ${device.name} ${way} ${JSON.stringify(d.value, short).slice(0, 300)}`);
  }
}
