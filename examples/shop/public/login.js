for (const button of document.querySelectorAll('[data-fill-name]')) {
  button.addEventListener('click', () => {
    document.querySelector('#name').value = button.dataset.fillName
    document.querySelector('#password').value = button.dataset.fillPassword
    document.querySelector('form[data-holdfast] button').focus()
  })
}
