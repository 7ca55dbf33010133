// A code scorer as users write them: it is registered as it stands here, and runs in the sandbox.
(_inputs, outputs) => {
  const prices = JSON.stringify(outputs).match(/US\$ \d+(\.\d+)?/g) ?? [];
  const odd = prices.filter((price) => /\.\d$/.test(price));
  return {
    value: odd.length === 0,
    rationale: odd.length === 0 ? `${prices.length} prices, none cut short` : `cut short: ${odd.join(', ')}`,
  };
};
