/** Version of this build; the same as in package.json, which no bundle holds. */
export const appVersion = "0.1.0";
