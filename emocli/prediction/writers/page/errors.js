"use strict";
// The page of a prediction. All it shows is in the element #data; it asks nothing of any network.
addEventListener("error", (event) => {
  if (event.message) document.documentElement.dataset.error = event.message;
});
