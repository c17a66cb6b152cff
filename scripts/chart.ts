// How does a Vega-Lite chart become an SVG picture without a browser?
//
//   deno run --no-lock scripts/chart.ts <chart.vl.json >chart.svg
//
// This is a process of its own, so that nothing else depends on its npm packages; it needs the npm
// registry once (Deno caches what it fetched) and no permissions.

async function draw(): Promise<string> {
  const text = await new Response(Deno.stdin.readable).text();
  let spec;
  try {
    spec = JSON.parse(text);
  } catch (error) {
    throw new Error(`wanted a Vega-Lite chart as JSON on standard input: ${reason(error)}`);
  }
  const [vega, vegaLite] = await Promise.all([
    import("npm:vega@6.4.0"),
    import("npm:vega-lite@6.5.0"),
  ]).catch((error) => {
    throw new Error(`vega and vega-lite could not be fetched from npm: ${reason(error)}`);
  });
  const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: "none" });
  return await view.toSVG();
}

const reason = (error: unknown) => error instanceof Error ? error.message : String(error);

try {
  console.log(await draw());
} catch (error) {
  console.error(`chart: ${reason(error)}`);
  Deno.exitCode = 1;
}
