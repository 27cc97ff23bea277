/**
 * Rhea, the hostile relay: she stands between the devices and an honest relay and decides about every frame either way. She holds what
 * a real one holds, the relay's own signing key and all that was ever stored, and nothing more.
 */
import type { Bytes } from '../../crypto/brand';
import { decodeFromRelay, decodeToRelay, encodeFromRelay, encodeToRelay, type FromRelay, type ToRelay } from '../../crypto/frames';
import type { Relay } from '../../relay/relay';
import { type Connect, type Device, HOST, type World } from './world';

/** What becomes of one frame: the frames that go on in its place, none to withhold it. */
export type Down = (f: FromRelay, to: Device) => readonly FromRelay[];
export type Up = (f: ToRelay, from: Device, answer: (f: FromRelay) => void) => readonly ToRelay[];

export class Rhea {
  /** Towards the devices. */
  down: Down = (f) => [f];
  /** Towards the honest relay; `answer` tells the device something in its stead. */
  up: Up = (f) => [f];
  /** Every frame that came by, in order. */
  readonly heard: { readonly device: string; readonly f: FromRelay }[] = [];
  readonly told: { readonly device: string; readonly f: ToRelay }[] = [];
  private readonly lines = new Map<Device, (f: FromRelay) => void>();

  constructor(readonly world: World) {
    world.connect = this.connect;
  }

  /** Honest again, for everyone; open connections go on. */
  repent(): void {
    this.down = (f) => [f];
    this.up = (f) => [f];
  }
  /** Tells a device something unasked. */
  tell(device: Device, f: FromRelay): void {
    this.lines.get(device)?.(f);
  }
  /** Which relay a device reaches: another one when Rhea shows it another history. */
  relayFor: (device: Device) => Relay = () => this.world.relay;

  private readonly connect: Connect = (device, send, end) => {
    const out = (f: FromRelay): void => send(encodeFromRelay(f) as Bytes);
    this.lines.set(device, out);
    const take = (bytes: Uint8Array): void => {
      const d = decodeFromRelay(bytes);
      if (!d.ok) throw new Error('the honest relay sent what does not decode');
      this.heard.push({ device: device.name, f: d.value });
      for (const f of this.down(d.value, device)) out(f);
    };
    const wire = this.relayFor(device).connect(take, HOST, end);
    return {
      receive: (bytes) => {
        const d = decodeToRelay(bytes);
        if (!d.ok) throw new Error('a device sent what does not decode');
        this.told.push({ device: device.name, f: d.value });
        for (const f of this.up(d.value, device, out)) wire.receive(encodeToRelay(f));
        return 0;
      },
      close: () => wire.close()
    };
  };
}
