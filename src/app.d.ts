declare global {
  namespace App {
    interface PageState {
      /** Name of the sheet that stands over the page, so that Back closes it. */
      sheet?: string;
    }
  }
}
export {};
