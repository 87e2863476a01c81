/** Vite: the file becomes an asset of the bundle, and this its address. */
declare module "*.wasm?url" {
  const url: string;
  export default url;
}
