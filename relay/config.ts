/** Settings from the environment, or one worded fault. */
import { resolve } from 'node:path';
import { err, ok, type Result } from '../crypto/result';
import { RATE } from './limits';

export interface Config {
  readonly port: number;
  readonly host: string;
  readonly folder: string;
  readonly app: string;
  readonly publicUrl: string | null;
  readonly origins: readonly string[];
  /** Frames a second that a connection may sustain; 0 = no limit. */
  readonly pace: number;
}

export function configOf(env: Readonly<Record<string, string | undefined>>): Result<Config> {
  const port = Number(env['PORT'] || 8787);
  if (!Number.isInteger(port) || port < 0 || port > 65535) return err('PORT must be a number from 0 to 65535.');
  const pace = Number(env['CAREFOLD_PACE'] || RATE.framesPerSecond);
  if (!Number.isInteger(pace) || pace < 0) return err('CAREFOLD_PACE must be a number of frames a second, or 0.');
  const publicUrl = env['CAREFOLD_PUBLIC'] || null;
  if (publicUrl !== null && (!URL.canParse(publicUrl) || !/^https?:$/.test(new URL(publicUrl).protocol))) return err('CAREFOLD_PUBLIC must be an address like https://care.example.org.');
  const origins = (env['CAREFOLD_ORIGIN'] ?? '').split(/[\s,]+/).filter(Boolean);
  if (origins.some((o) => !URL.canParse(o) || new URL(o).origin !== o)) return err('CAREFOLD_ORIGIN must be origins like https://app.example.org.');
  return ok({
    port, host: env['HOST'] || '127.0.0.1', folder: resolve(env['CAREFOLD_DATA'] || './data'), app: env['CAREFOLD_STATIC'] || './build', publicUrl, origins, pace
  });
}
