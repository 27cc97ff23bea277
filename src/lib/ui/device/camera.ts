/** Reading a QR code with the camera of this device. Pictures are looked at here and never kept; the camera stops with `stop`. */
/** `refused`: the person or the system said no. `none`: there is no camera, or it is in use elsewhere. */
export type CameraFault = 'refused' | 'none';

export interface Camera {
  readonly stream: MediaStream;
  stop(): void;
}

export async function openCamera(): Promise<Camera | CameraFault> {
  if (!('mediaDevices' in navigator)) return 'none';
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 720 } }, audio: false });
    return { stream, stop: () => stream.getTracks().forEach((track) => track.stop()) };
  } catch (e) {
    return e instanceof DOMException && (e.name === 'NotAllowedError' || e.name === 'SecurityError') ? 'refused' : 'none';
  }
}

/** Longest side that is looked at, in pixels: enough for a code that fills a third of the picture. */
const SIDE = 720;
/** Milliseconds between two looks. */
const PAUSE = 150;

/** Looks at what the video shows until a code is read, then says its text once. The returned function stops looking. */
export function watchForCode(video: HTMLVideoElement, read: (text: string) => void): () => void {
  const canvas = document.createElement('canvas');
  const drawn = canvas.getContext('2d', { willReadFrequently: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  // fetched when a camera runs: few people ever scan
  void import('qr/decode.js').then(({ decodeQR }) => {
    const look = (): void => {
      if (stopped || drawn === null) return;
      const text = textIn(video, canvas, drawn, decodeQR);
      if (text !== null) read(text);
      else timer = setTimeout(look, PAUSE);
    };
    look();
  });
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

type Decode = (image: ImageData) => string;

function textIn(video: HTMLVideoElement, canvas: HTMLCanvasElement, drawn: CanvasRenderingContext2D, decode: Decode): string | null {
  const { videoWidth, videoHeight } = video;
  if (videoWidth === 0 || videoHeight === 0) return null;
  const scale = Math.min(1, SIDE / Math.max(videoWidth, videoHeight));
  canvas.width = Math.round(videoWidth * scale);
  canvas.height = Math.round(videoHeight * scale);
  drawn.drawImage(video, 0, 0, canvas.width, canvas.height);
  try {
    return decode(drawn.getImageData(0, 0, canvas.width, canvas.height));
  } catch {
    // no code in this picture; the next comes soon
    return null;
  }
}
