"use strict";

// Copies the token at the press of a button. Without this script it is selected by hand.
{
  const field = document.getElementById("id_token");
  const button = document.getElementById("copy-token");
  const told = document.getElementById("copy-told");

  const copy = async () => {
    field.select();
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(field.value);
    } else if (!document.execCommand("copy")) { // over http a browser has no other way
      throw new Error("the browser has not copied it");
    }
  };

  button.addEventListener("click", () => {
    copy().then(
      () => { told.textContent = "Copied"; },
      () => { told.textContent = "Not copied: the token is selected, copy it with the keyboard"; },
    );
  });
  button.hidden = false;
  button.focus();

  // To reload this page would send the form again, and that makes another key.
  history.replaceState(null, "", document.getElementById("key-page").href);
}
